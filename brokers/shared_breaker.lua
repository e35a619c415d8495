-- One account's circuit breaker, as one step. KEYS: its hash, the times of its last failures in a row.
-- Times in ms of Redis' own clock. ARGV: what (failed | answered | gate), failures, window, pause, longest pause,
-- how long a probe may take, why it failed  -> {is it clear, ms to wait, what happened}
local NOTHING, OPENED, LONGER, CLOSED, PROBE = 0, 1, 2, 3, 4
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local circuit, failed = KEYS[1], KEYS[2]
local most, window, pause, longest = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local function number(name)
  return tonumber(redis.call('HGET', circuit, name) or 0)
end
local opened_at, open_until = number('opened_at'), number('until')
local is_open = opened_at > 0

if ARGV[1] == 'answered' then
  redis.call('DEL', failed)
  if not is_open then return {1, 0, NOTHING} end
  redis.call('HDEL', circuit, 'opened_at', 'until', 'pause', 'probing_until')
  redis.call('HSET', circuit, 'closed_at', now)
  return {1, 0, CLOSED}
end

if ARGV[1] == 'failed' then
  redis.call('PEXPIRE', circuit, 3600000)
  if is_open then
    if now < open_until then return {0, open_until - now, NOTHING} end
    local longer = math.min(number('pause') * 2, longest)
    redis.call('HSET', circuit, 'pause', longer, 'until', now + longer, 'probing_until', 0, 'why', ARGV[7])
    return {0, longer, LONGER}
  end
  redis.call('LPUSH', failed, now)
  redis.call('LTRIM', failed, 0, most - 1)
  redis.call('PEXPIRE', failed, window)
  if redis.call('LLEN', failed) < most or now - redis.call('LINDEX', failed, -1) > window then
    return {0, 0, NOTHING}
  end
  redis.call('DEL', failed)
  redis.call('HSET', circuit, 'opened_at', now, 'last_opened', now, 'pause', pause, 'until', now + pause,
             'why', ARGV[7])
  redis.call('PEXPIRE', circuit, 3600000)
  return {0, pause, OPENED}
end

if not is_open then return {1 - redis.call('EXISTS', failed), 0, NOTHING} end
if now < open_until then return {0, open_until - now, NOTHING} end
local probing_until = number('probing_until')
if now < probing_until then return {0, probing_until - now, NOTHING} end
redis.call('HSET', circuit, 'probing_until', now + tonumber(ARGV[6]))
return {0, 1000, PROBE}
