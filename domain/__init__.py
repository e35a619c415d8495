"""Pure rules of orders and money: no I/O, no clock, no chance."""
