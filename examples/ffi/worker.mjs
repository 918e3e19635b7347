// A job by completion queue in Node, with koffi: starts an instance of a process, and works on jobs of a type until one is complete. The
// gateway is the environment's: ZEEBE_ADDRESS, ...
//
//     npm ci && node worker.mjs PROCESS JOB_TYPE [PREFIX]
import { readFileSync } from "node:fs";
import { promisify } from "node:util";
import koffi from "koffi";

const [, , process_id, job_type, prefix = "/usr/local"] = process.argv;
const library = koffi.load(`${prefix}/lib/libzeebe.so.0`);
const zeebe = {};

// zeebe_ffi.h has each declaration on a line. Strings that are the caller's are freed once they are JavaScript's.
koffi.disposable("zeebe_string", "str", library.func("void zeebe_string_free(void *string)"));
for (const line of readFileSync(`${prefix}/include/zeebe_ffi.h`, "utf8").split("\n")) {
    let is;
    if ((is = /^typedef struct (\w+) \w+;/.exec(line))) koffi.opaque(is[1]);
    else if ((is = /^typedef .*\(\*(\w+)\)\(/.exec(line))) koffi.alias(is[1], "void *");
    else if ((is = /^typedef struct \{ (.*); \} (\w+);/.exec(line))) {
        const fields = is[1].split("; ").map((field) => /^(.*?)(\w+)$/.exec(field));
        koffi.struct(is[2], Object.fromEntries(fields.map(([, type, name]) => [name, type.trim()])));
    } else if ((is = /^enum.*\{(.*)\};/.exec(line))) {
        for (const [, name, value] of is[1].matchAll(/(\w+) = (-?\d+)/g)) zeebe[name] = Number(value);
    } else if ((is = /^\w.*?(\w+)\(.*\);/.exec(line))) {
        // What a function writes is behind two stars, or a count, a descriptor or options to begin with.
        const outs = line.replace(/\bchar \*\*/g, "zeebe_string *").replace(/(\w+ \*\*|size_t \*|zeebe_string \*|\w+ \*(?=\w+, size_t size\)))/g, "_Out_ $1");
        zeebe[is[1]] = library.func(outs.slice(0, -1));
    }
}

function must(error) {
    if (!error) return;
    const why = zeebe.zeebe_error_message(error);
    zeebe.zeebe_error_free(error);
    throw new Error(why);
}

function made(make, ...given) {
    const out = [null];
    must(make(...given, out));
    return out[0];
}

function options(type, given) {
    const options = {};
    zeebe[`${type}_init`](options, koffi.sizeof(type));
    return { ...options, ...given };
}

const channel = made(zeebe.zeebe_create_channel_from_environment, null);
const queue = made(zeebe.zeebe_completion_queue_new);
const request = JSON.stringify({ bpmnProcessId: process_id, version: -1, variables: { amount: 7 } });
console.log(made(zeebe.zeebe_channel_json_call_sync, channel, "CreateProcessInstance", request, options("zeebe_call_options", { timeout_ms: 10000 })));

const worker = made(zeebe.zeebe_job_worker_start_on_queue, channel, options("zeebe_job_worker_options", { job_type }), queue, 0);
// On a thread of koffi's: the event loop goes on, and does not end while this waits.
const next = promisify(zeebe.zeebe_completion_queue_next.async);
const events = koffi.alloc("zeebe_event", 16);
for (let open = true; open; ) {
    const count = [0];
    must(await next(queue, -1, events, koffi.sizeof("zeebe_event"), 16, count));
    for (const event of koffi.decode(events, "zeebe_event", count[0])) {
        if (event.event_type === zeebe.ZEEBE_EVENT_TYPE_JOB) {
            console.log("job", zeebe.zeebe_job_variables(event.job, null));
            must(zeebe.zeebe_job_complete_on_queue(event.job, '{"done": true}', queue, 1));
        } else if (event.event_type === zeebe.ZEEBE_EVENT_TYPE_JOB_ENDED) {
            console.log(event.outcome === zeebe.ZEEBE_JOB_OUTCOME_ENDED ? "completed" : "not completed");
            zeebe.zeebe_job_worker_close(worker);
        } else if (event.event_type === zeebe.ZEEBE_EVENT_TYPE_CLOSE) open = false;
    }
    zeebe.zeebe_events_clear(events, koffi.sizeof("zeebe_event"), count[0]);
}
koffi.free(events);
zeebe.zeebe_job_worker_free(worker);
zeebe.zeebe_completion_queue_free(queue);
zeebe.zeebe_channel_free(channel);
