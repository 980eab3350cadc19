"""The scripts by which a store in Redis is read and changed: each runs as a whole.

``KEYS``: values, versions, keys in order, the bucket's account, the store's account.
Source: https://redis.io/docs/latest/develop/programmability/eval-intro/.
"""

from __future__ import annotations

READ = """
local most, total, found = tonumber(ARGV[1]), 0, {'ok'}
for at = 2, #ARGV do
  local value = redis.call('HGET', KEYS[1], ARGV[at])
  total = total + (value and #value or 0)
  if most < 0 or total <= most then
    found[#found + 1] = value
    found[#found + 1] = redis.call('HGET', KEYS[2], ARGV[at])
  end
end
if most >= 0 and total > most then return {'long', total} end
return found
"""
"""The most bytes of all values (-1: any), and keys, to values and versions."""

CLEAR = """
local count = tonumber(redis.call('HGET', KEYS[4], 'keys') or 0)
redis.call('HINCRBY', KEYS[5], 'bytes', 0 - tonumber(redis.call('HGET', KEYS[4], 'bytes') or 0))
redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3], KEYS[4])
return count
"""
"""To how many keys there were. The latest version is the store's, so none is used again."""

CHANGE = """
local what, keys_most, bucket_most, total_most, each =
  ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local first = 6

local function number(key, field) return tonumber(redis.call('HGET', key, field) or 0) end

local put, removed = {}, {}
if what == 'swap' then
  local found = redis.call('HGET', KEYS[1], ARGV[6])
  local version = redis.call('HGET', KEYS[2], ARGV[6]) or '0'
  if version ~= ARGV[7] then return {'found', found, version} end
  if ARGV[8] == 'set' then put[1] = {ARGV[6], ARGV[9]} else removed[1] = ARGV[6] end
elseif what == 'set' then
  for at = first, #ARGV, 2 do put[#put + 1] = {ARGV[at], ARGV[at + 1]} end
else
  for at = first, #ARGV do removed[#removed + 1] = ARGV[at] end
end

local keys, bytes = number(KEYS[4], 'keys'), number(KEYS[4], 'bytes')
local new_keys, new_bytes = keys, bytes
for _, item in ipairs(put) do
  if redis.call('HEXISTS', KEYS[1], item[1]) == 0 then
    new_keys, new_bytes = new_keys + 1, new_bytes + #item[1] + each
  end
  new_bytes = new_bytes + #item[2] - redis.call('HSTRLEN', KEYS[1], item[1])
end
if new_keys > keys and new_keys > keys_most then return {'keys', new_keys} end
if new_bytes > bytes then
  if new_bytes > bucket_most then return {'bucket', new_bytes} end
  local total = number(KEYS[5], 'bytes') + new_bytes - bytes
  if total > total_most then return {'total', total} end
end

local count = 0
for _, key in ipairs(removed) do
  if redis.call('HEXISTS', KEYS[1], key) == 1 then
    new_keys = new_keys - 1
    new_bytes = new_bytes - #key - each - redis.call('HSTRLEN', KEYS[1], key)
    count = count + 1
    redis.call('HDEL', KEYS[1], key)
    redis.call('HDEL', KEYS[2], key)
    redis.call('ZREM', KEYS[3], key)
  end
end
for _, item in ipairs(put) do
  redis.call('HSET', KEYS[1], item[1], item[2])
  redis.call('HSET', KEYS[2], item[1], redis.call('HINCRBY', KEYS[5], 'version', 1))
  redis.call('ZADD', KEYS[3], 0, item[1])
end
redis.call('HINCRBY', KEYS[5], 'bytes', new_bytes - bytes)
if new_keys == 0 then
  redis.call('DEL', KEYS[4])
else
  redis.call('HSET', KEYS[4], 'keys', new_keys, 'bytes', new_bytes)
end
return {'ok', count}
"""
"""What to do, the bounds, then: keys and values to set, keys to delete, or key, version, how and value."""
