<?php
// A job by completion queue in PHP: starts an instance of a process, and works on jobs of a type until one is complete. The gateway is
// the environment's: ZEEBE_ADDRESS, ...
//
//     php worker.php PROCESS JOB_TYPE [PREFIX]
[, $process, $type] = $argv;
$prefix = $argv[3] ?? '/usr/local';
$zeebe = FFI::cdef(file_get_contents("$prefix/include/zeebe_ffi.h"), "$prefix/lib/libzeebe.so.0");

function must(?FFI\CData $error): void
{
    global $zeebe;
    if ($error === null) return;
    $why = $zeebe->zeebe_error_message($error);
    $zeebe->zeebe_error_free($error);
    fwrite(STDERR, "$why\n");
    exit(1);
}

/** What a function writes to its last parameter. PHP frees nothing of it. */
function made(string $type, string $function, mixed ...$arguments): FFI\CData
{
    global $zeebe;
    $out = $zeebe->new("$type*");
    must($zeebe->$function(...$arguments, ...[FFI::addr($out)]));
    return $out;
}

function options(string $type): FFI\CData
{
    global $zeebe;
    $options = $zeebe->new($type);
    $zeebe->{"{$type}_init"}(FFI::addr($options), FFI::sizeof($options));
    return $options;
}

/** Bytes that C may keep a pointer to. */
function text(string $text): FFI\CData
{
    $bytes = FFI::new('char[' . strlen($text) + 1 . ']', false);
    FFI::memcpy($bytes, "$text\0", strlen($text) + 1);
    return $bytes;
}

$channel = made('zeebe_channel', 'zeebe_create_channel_from_environment', null);
$queue = made('zeebe_completion_queue', 'zeebe_completion_queue_new');
$within = options('zeebe_call_options');
$within->timeout_ms = 10000;
$request = json_encode(['bpmnProcessId' => $process, 'version' => -1, 'variables' => ['amount' => 7]]);
$json = made('char', 'zeebe_channel_json_call_sync', $channel, 'CreateProcessInstance', $request, FFI::addr($within));
echo FFI::string($json), "\n";
$zeebe->zeebe_string_free($json);

$working = options('zeebe_job_worker_options');
$working->job_type = $zeebe->cast('char*', text($type));
$worker = made('zeebe_job_worker', 'zeebe_job_worker_start_on_queue', $channel, FFI::addr($working), $queue, 0);
$events = $zeebe->new('zeebe_event[16]');
$size = FFI::sizeof($events[0]);
$count = $zeebe->new('size_t');
for ($open = true; $open; $zeebe->zeebe_events_clear($events, $size, $count->cdata)) {
    must($zeebe->zeebe_completion_queue_next($queue, -1, $events, $size, 16, FFI::addr($count)));
    for ($i = 0; $i < $count->cdata; $i++) {
        $event = $events[$i];
        if ($event->event_type === $zeebe->ZEEBE_EVENT_TYPE_JOB) {
            echo 'job ', $zeebe->zeebe_job_variables($event->job, null), "\n";
            must($zeebe->zeebe_job_complete_on_queue($event->job, '{"done": true}', $queue, 1));
        } elseif ($event->event_type === $zeebe->ZEEBE_EVENT_TYPE_JOB_ENDED) {
            echo $event->outcome === $zeebe->ZEEBE_JOB_OUTCOME_ENDED ? "completed\n" : "not completed\n";
            $zeebe->zeebe_job_worker_close($worker);
        } elseif ($event->event_type === $zeebe->ZEEBE_EVENT_TYPE_CLOSE) {
            $open = false;
        }
    }
}
$zeebe->zeebe_job_worker_free($worker);
$zeebe->zeebe_completion_queue_free($queue);
$zeebe->zeebe_channel_free($channel);
