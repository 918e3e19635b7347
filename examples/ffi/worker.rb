# A job by completion queue in Ruby: starts an instance of a process, and works on jobs of a type until one is complete. The gateway is
# the environment's: ZEEBE_ADDRESS, ...
#
#     ruby worker.rb PROCESS JOB_TYPE [PREFIX]
require "fiddle/import"
require "json"

PROCESS, JOB_TYPE, PREFIX = ARGV[0], ARGV[1], ARGV[2] || "/usr/local"

# zeebe_ffi.h has each declaration on a line.
module Zeebe
  extend Fiddle::Importer
  dlload "#{PREFIX}/lib/libzeebe.so.0"
  File.foreach("#{PREFIX}/include/zeebe_ffi.h") do |line|
    case line
    when /\Atypedef .*\(\*(\w+)\)\(/ then typealias $1, "void *"
    when /\Aenum \w* ?\{(.*)\};/ then $1.scan(/(\w+) = (-?\d+)/) { |name, value| const_set(name, value.to_i) }
    when /\Atypedef struct \{ (.*); \} zeebe_(job_worker_options|call_options|event);/ then const_set($2.capitalize, struct($1.split("; ")))
    when /\A\w.*\(.*\);/ then extern line.chomp(";\n")
    end
  end

  def self.must(error)
    return if error.null?
    why = zeebe_error_message(error).to_s
    zeebe_error_free(error)
    abort why
  end

  # What a function writes to its last parameter, freed by `free` with the garbage.
  def self.made(free, function, *arguments)
    out = Fiddle::Pointer.malloc(Fiddle::SIZEOF_VOIDP, Fiddle::RUBY_FREE)
    must(send(function, *arguments, out))
    made = out.ptr
    made.free = self[free]
    made
  end

  def self.options(kind)
    options = const_get(kind.capitalize).malloc(Fiddle::RUBY_FREE)
    send("zeebe_#{kind}_init", options, options.class.size)
    options
  end
end

channel = Zeebe.made("zeebe_channel_free", :zeebe_create_channel_from_environment, nil)
queue = Zeebe.made("zeebe_completion_queue_free", :zeebe_completion_queue_new)
within = Zeebe.options("call_options")
within.timeout_ms = 10_000
request = JSON.generate(bpmnProcessId: PROCESS, version: -1, variables: {amount: 7})
puts Zeebe.made("zeebe_string_free", :zeebe_channel_json_call_sync, channel, "CreateProcessInstance", request, within).to_s

working = Zeebe.options("job_worker_options")
working.job_type = JOB_TYPE
worker = Zeebe.made("zeebe_job_worker_free", :zeebe_job_worker_start_on_queue, channel, working, queue, 0)
size = Zeebe::Event.size
events = Fiddle::Pointer.malloc(16 * size, Fiddle::RUBY_FREE)
count = Fiddle::Pointer.malloc(Fiddle::SIZEOF_SIZE_T, Fiddle::RUBY_FREE)
open = true
while open
  Zeebe.must(Zeebe.zeebe_completion_queue_next(queue, -1, events, size, 16, count))
  taken = count[0, Fiddle::SIZEOF_SIZE_T].unpack1("J")
  taken.times do |i|
    event = Zeebe::Event.new(events + i * size)
    case event.event_type
    when Zeebe::ZEEBE_EVENT_TYPE_JOB
      puts "job #{Zeebe.zeebe_job_variables(event.job, nil)}"
      Zeebe.must(Zeebe.zeebe_job_complete_on_queue(event.job, '{"done": true}', queue, 1))
    when Zeebe::ZEEBE_EVENT_TYPE_JOB_ENDED
      puts event.outcome == Zeebe::ZEEBE_JOB_OUTCOME_ENDED ? "completed" : "not completed"
      Zeebe.zeebe_job_worker_close(worker)
    when Zeebe::ZEEBE_EVENT_TYPE_CLOSE
      open = false
    end
  end
  Zeebe.zeebe_events_clear(events, size, taken)
end
