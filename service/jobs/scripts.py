"""What happens to a job in Redis, each step whole or not at all, and by the clock of Redis."""

from __future__ import annotations

from typing import Final

__all__ = ["ABANDON", "CANCEL", "DISOWN", "LAND", "OPEN", "SENT"]

_NOW: Final = """
local time = redis.call('TIME')
local now_ms = time[1] * 1000 + math.floor(time[2] / 1000)
"""

# Opened is not sent: a record whose API process died in between is gone after a moment.
OPEN: Final = (
    _NOW
    + """
local digest = redis.call('HGET', KEYS[1], 'digest')
if digest then
  if digest == ARGV[1] then return 'same' end
  return 'other'
end
redis.call('HSET', KEYS[1], 'created_ms', now_ms, 'deadline_ms', now_ms + ARGV[3], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 'new'
"""
)

ABANDON: Final = """
if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then return end
if redis.call('HEXISTS', KEYS[1], 'sent') == 0 then redis.call('DEL', KEYS[1]) end
"""

# A Redis that evicts may let go of verdicts that the record goes on to count.
DISOWN: Final = """
if redis.call('HGET', KEYS[1], 'run') == ARGV[1] then redis.call('DEL', KEYS[1]) end
"""

# Finished jobs are kept for a time, and in all so many bytes: the oldest go first. The members of
# the set carry their bytes, for by then the record may be gone, or be that of the next run.
_END: Final = (
    _NOW
    + """
local function is_of(run)
  return (redis.call('HGET', KEYS[1], 'run') or '') == run
end
local function forget(member, prefix)
  local id, run, bytes = string.match(member, '^(.*):(.*):(%d+)$')
  redis.call('ZREM', KEYS[5], member)
  redis.call('DECRBY', KEYS[6], bytes)
  local own = id .. ':' .. run
  redis.call('DEL', prefix .. 'results:' .. own, prefix .. 'places:' .. own)
  local record = prefix .. 'job:' .. id
  if (redis.call('HGET', record, 'run') or '') == run then redis.call('DEL', record) end
end
local function finish(id, prefix, run, kept_ms, kept_bytes)
  if redis.call('HEXISTS', KEYS[1], 'ended_ms') == 1 then return end
  redis.call('ZREM', KEYS[7], id)
  redis.call('HSET', KEYS[1], 'ended_ms', now_ms)
  for key = 1, 3 do redis.call('PEXPIRE', KEYS[key], kept_ms) end
  local bytes = redis.call('HGET', KEYS[1], 'bytes')
  local own = id .. ':' .. run .. ':' .. bytes
  redis.call('ZADD', KEYS[5], now_ms, own)
  redis.call('INCRBY', KEYS[6], bytes)
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[5], '-inf', now_ms - kept_ms)) do
    forget(member, prefix)
  end
  while tonumber(redis.call('GET', KEYS[6])) > kept_bytes do
    local oldest = redis.call('ZRANGE', KEYS[5], 0, 0)[1]
    if oldest == own then return end
    forget(oldest, prefix)
  end
end
"""
)

# Sent a second time it changes nothing. 0 is a job whose record is gone: nobody will hear of it.
SENT: Final = (
    _END
    + """
if redis.call('EXISTS', KEYS[1]) == 0 or not is_of(ARGV[3]) then return 0 end
if redis.call('HEXISTS', KEYS[1], 'ended_ms') == 1 then return 1 end
local known = redis.call('HMGET', KEYS[1], 'items', 'done', 'deadline_ms', 'cancelled')
redis.call('HSET', KEYS[1], 'sent', 1)
redis.call('PEXPIRE', KEYS[1], math.max(known[3] - now_ms, 0) + ARGV[4])
redis.call('ZREMRANGEBYSCORE', KEYS[7], '-inf', now_ms)
if not known[4] then redis.call('ZADD', KEYS[7], known[3], ARGV[1]) end
if known[1] == known[2] then
  finish(ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
end
return 1
"""
)

# A chunk may be graded twice; of its verdicts those are taken that are the first. What was told
# of a job that is over stays true: nothing lands after that. The first write needs no memory, so
# that a full Redis takes the others.
LAND: Final = (
    _END
    + """
local known = redis.call('HMGET', KEYS[1], 'items', 'deadline_ms', 'ended_ms')
local items = known[1]
if not items or not is_of(ARGV[3]) or known[3] then return end
if now_ms > tonumber(known[2]) then
  return finish(ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
end
redis.call('XTRIM', KEYS[4], 'MAXLEN', '~', 10000)
local new = 0
for _, place in ipairs(cjson.decode(ARGV[6])) do
  new = new + 1 - redis.call('SETBIT', KEYS[3], place, 1)
end
if new == 0 then return end
redis.call('XADD', KEYS[2], '*', 'w', ARGV[7], 'v', ARGV[8], 's', ARGV[9])
redis.call('XADD', KEYS[4], '*', 'j', ARGV[1])
redis.call('HINCRBY', KEYS[1], 'bytes', #ARGV[8])
if redis.call('HINCRBY', KEYS[1], 'done', new) == tonumber(items) then
  finish(ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
else
  local left_ms = redis.call('PTTL', KEYS[1])
  for key = 2, 3 do redis.call('PEXPIRE', KEYS[key], left_ms) end
end
"""
)

# The workers are told the run as well: what begins under the same id is not cancelled.
CANCEL: Final = (
    _END
    + """
local known = redis.call('HMGET', KEYS[1], 'deadline_ms', 'ended_ms')
if not known[1] or not is_of(ARGV[3]) or known[2] then return end
if now_ms <= tonumber(known[1]) then
  redis.call('HSET', KEYS[1], 'cancelled', 1)
  redis.call('ZREMRANGEBYSCORE', KEYS[8], '-inf', now_ms)
  redis.call('ZADD', KEYS[8], now_ms + redis.call('PTTL', KEYS[1]), ARGV[1] .. ':' .. ARGV[3])
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 'j', ARGV[1])
end
finish(ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]))
"""
)
