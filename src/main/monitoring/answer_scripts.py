"""What does Redis do in one step, so that nobody comes between? The scripts by which replicas share answers.

A clock that was lost, or evicted, begins a new epoch: numbers of different epochs are never compared.
"""

NOW = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then epoch = ARGV[1]; redis.call('HSET', KEYS[1], 'epoch', epoch, 'number', 0) end
return {epoch, tonumber(redis.call('HGET', KEYS[1], 'number'))}
"""
"""Tell the clock's epoch and number. Keys: the clock. Arguments: the epoch of a clock that is not there."""

NEXT = """
local epoch = redis.call('HGET', KEYS[1], 'epoch')
if not epoch then return {} end
return {epoch, redis.call('HINCRBY', KEYS[1], 'number', 1)}
"""
"""Count, and tell the clock's epoch and number; nothing where it is not there. Keys: the clock."""

BEGIN = """
local kept = redis.call('HMGET', KEYS[1], 'epoch', 'number', 'at', 'by', 'body')
if kept[1] == ARGV[1] and tonumber(kept[2]) > tonumber(ARGV[2]) and tonumber(kept[3]) >= tonumber(ARGV[3])
   and kept[4] ~= ARGV[4] then return {'kept', kept[3], kept[5]} end
local claim = redis.call('HMGET', KEYS[2], 'epoch', 'number')
if claim[1] == ARGV[1] and tonumber(claim[2]) > tonumber(ARGV[2]) then return {'claimed'} end
redis.call('HSET', KEYS[2], 'epoch', ARGV[1], 'number', ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return {'begin'}
"""
"""Tell the answer that is kept, or that somebody is at it, or claim it. Keys: the answer and the claim.

Arguments: the epoch and number that are to be exceeded, the earliest moment, who asks, whose own answers are not taken,
the number of the claim, and how many milliseconds that lasts.
"""

KEEP = """
local claim = redis.call('HMGET', KEYS[2], 'epoch', 'number')
if claim[1] == ARGV[1] and claim[2] == ARGV[2] then redis.call('DEL', KEYS[2]) end
if ARGV[5] == '' then return 0 end
local clock = redis.call('HMGET', KEYS[3], 'epoch', 'number')
if clock[1] ~= ARGV[1] or tonumber(clock[2]) < tonumber(ARGV[2]) then return 0 end
local kept = redis.call('HMGET', KEYS[1], 'epoch', 'number')
if kept[1] == ARGV[1] and tonumber(kept[2]) > tonumber(ARGV[2]) then return 0 end
redis.call('HSET', KEYS[1], 'epoch', ARGV[1], 'number', ARGV[2], 'at', ARGV[3], 'by', ARGV[4], 'body', ARGV[5])
redis.call('PEXPIRE', KEYS[1], ARGV[6])
return 1
"""
"""End a claim, and keep the answer; tell whether it was kept. Keys: the answer, the claim and the clock.

Arguments: its epoch and number, its moment, whose it is, its text, empty for none, and how many milliseconds it lasts.
Not where a newer one is kept, nor where the clock has not counted so far: after a fail-over it is a copy that may have
missed the last numbers, and counts them once more.
"""
