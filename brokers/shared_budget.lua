-- One account's budget, as one step. KEYS[1]: the account's hash. Times in ms of Redis' own clock.
-- ARGV: what (take | refuse | lower), then
--   take:   requests a minute, needed, wanted, purpose, share of the limit  -> {granted, ms until it is worth asking}
--   refuse: ms until the broker is free again (0: not said)
--   lower:  requests that the broker says are left
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local key = KEYS[1]
local function number(name, otherwise)
  return tonumber(redis.call('HGET', key, name) or otherwise)
end
local function keep(name, value)
  redis.call('HSET', key, name, tostring(value))
end

if ARGV[1] == 'refuse' then
  local count = number('refusals', 0)
  if now - number('refused_at', 0) > 10000 then count = 0 end
  local pause = tonumber(ARGV[2])
  if pause <= 0 then pause = 1000 * math.pow(2, math.min(count, 2)) end
  keep('refusals', count + 1)
  keep('refused_at', now)
  keep('blocked', math.max(number('blocked', 0), now + math.min(pause, 60000)))
  redis.call('PEXPIRE', key, 180000)
  return {0, 0}
end
if ARGV[1] == 'lower' then
  if redis.call('HEXISTS', key, 'all') == 1 then
    keep('all', math.min(number('all', 0), tonumber(ARGV[2])))
  end
  return {0, 0}
end

local limit, needed, wanted = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local purpose, share = ARGV[5], tonumber(ARGV[6])
local protects = purpose == 'protect'
-- the steady flow and the burst together are the limit: no minute sees more
local burst = math.max(2, limit / 10)
local rate = math.max(limit - burst, 1) / 60000
local since = math.max(0, now - number('at', now))
local function filled(name, part)
  local top = math.max(2, burst * part)
  return math.min(top, number(name, top) + since * rate * part)
end
local levels = {all = filled('all', 1), automatic = filled('automatic', 0.8), upkeep = filled('upkeep', 0.6)}
redis.call('HSET', key, 'at', now, 'all', tostring(levels.all), 'automatic', tostring(levels.automatic),
           'upkeep', tostring(levels.upkeep))
redis.call('PEXPIRE', key, 180000)

local blocked = number('blocked', 0)
if not protects then blocked = blocked + 250 end
if now < blocked then return {0, blocked - now} end

local free = levels.all
if share < 1 then free = math.min(free, levels[purpose]) end
-- what protects was refused a moment ago: nobody takes the request it waits for
if not protects and now < number('awaited', 0) then free = 0 end
if free >= needed then
  local granted = math.max(needed, math.min(wanted, math.floor(free)))
  redis.call('HINCRBYFLOAT', key, 'all', -granted)
  if share < 1 then redis.call('HINCRBYFLOAT', key, purpose, -granted) end
  return {granted, 0}
end
-- each who is refused is told a moment of his own; what protects stands at the head of the line
local soonest = now + (needed - math.min(free, needed)) / (rate * share)
if protects then
  keep('awaited', soonest + 100)
  return {0, math.ceil(soonest - now)}
end
local moment = math.min(math.max(number('promised', 0), soonest), math.max(soonest, now + 20000))
keep('promised', moment + needed / (rate * share))
return {0, math.ceil(moment - now)}
