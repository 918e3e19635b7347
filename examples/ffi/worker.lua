-- A job by completion queue in LuaJIT: starts an instance of a process, and works on jobs of a type until one is complete. The gateway is
-- the environment's: ZEEBE_ADDRESS, ...
--
--     luajit worker.lua PROCESS JOB_TYPE [PREFIX]
local ffi = require("ffi")
local process, job_type, prefix = arg[1], arg[2], arg[3] or "/usr/local"
ffi.cdef(assert(io.open(prefix .. "/include/zeebe_ffi.h")):read("*a"))
local zeebe = ffi.load(prefix .. "/lib/libzeebe.so.0")

local function must(failure)
    if failure ~= nil then error(ffi.string(zeebe.zeebe_error_message(ffi.gc(failure, zeebe.zeebe_error_free))), 0) end
end

-- What a function writes to its last parameter, freed with the garbage.
local function made(type, free, make, ...)
    local out = ffi.new(type .. " *[1]")
    local arguments = {...}
    arguments[select("#", ...) + 1] = out
    must(make(unpack(arguments, 1, select("#", ...) + 1)))
    return ffi.gc(out[0], free)
end

local function options(type)
    local given = ffi.new(type)
    zeebe[type .. "_init"](given, ffi.sizeof(given))
    return given
end

local function call(channel, method, json)
    local within = options("zeebe_call_options")
    within.timeout_ms = 10000
    return ffi.string(made("char", zeebe.zeebe_string_free, zeebe.zeebe_channel_json_call_sync, channel, method, json, within))
end

local channel = made("zeebe_channel", zeebe.zeebe_channel_free, zeebe.zeebe_create_channel_from_environment, nil)
local queue = made("zeebe_completion_queue", zeebe.zeebe_completion_queue_free, zeebe.zeebe_completion_queue_new)
print(call(channel, "CreateProcessInstance", ('{"bpmnProcessId": "%s", "version": -1, "variables": {"amount": 7}}'):format(process)))

local working = options("zeebe_job_worker_options")
working.job_type = job_type
local worker = made("zeebe_job_worker", zeebe.zeebe_job_worker_free, zeebe.zeebe_job_worker_start_on_queue, channel, working, queue, 0)
local events, size, count, open = ffi.new("zeebe_event[16]"), ffi.sizeof("zeebe_event"), ffi.new("size_t[1]"), true
while open do
    must(zeebe.zeebe_completion_queue_next(queue, -1, events, size, 16, count))
    for i = 0, tonumber(count[0]) - 1 do
        local event = events[i]
        if event.event_type == zeebe.ZEEBE_EVENT_TYPE_JOB then
            print("job " .. ffi.string(zeebe.zeebe_job_variables(event.job, nil)))
            must(zeebe.zeebe_job_complete_on_queue(event.job, '{"done": true}', queue, 1))
        elseif event.event_type == zeebe.ZEEBE_EVENT_TYPE_JOB_ENDED then
            print(event.outcome == zeebe.ZEEBE_JOB_OUTCOME_ENDED and "completed" or "not completed")
            zeebe.zeebe_job_worker_close(worker)
        elseif event.event_type == zeebe.ZEEBE_EVENT_TYPE_CLOSE then
            open = false
        end
    end
    zeebe.zeebe_events_clear(events, size, count[0])
end
