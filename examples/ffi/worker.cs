// A job by completion queue in C#, tried on Mono: starts an instance of a process, and works on jobs of a type until one is complete. The
// gateway is the environment's: ZEEBE_ADDRESS, ...
//
//     mcs worker.cs && mono worker.exe PROCESS JOB_TYPE
//
// libzeebe.so.0 is looked for beside the program, and where the system does. What is declared here zeebe_ffi.h has, a declaration a line.
using System;
using System.Runtime.InteropServices;
using System.Text;

static class Zeebe {
    const string Library = "libzeebe.so.0";
    public const int EVENT_CLOSE = 5, EVENT_JOB = 9, EVENT_JOB_ENDED = 10, OUTCOME_ENDED = 1;

    [StructLayout(LayoutKind.Sequential)]
    public struct CallOptions {
        public UIntPtr size; public long timeout_ms; public IntPtr metadata, credentials, authority; public long max_receive_message_length;
        public int wait_for_ready, compression, manual_requests, discard_metadata; public long max_buffered_messages, max_buffered_bytes;
    }
    [StructLayout(LayoutKind.Sequential)]
    public struct JobWorkerOptions {
        public UIntPtr size; public IntPtr job_type, worker_name; public long job_timeout_ms, max_jobs_active, handlers_at_once;
        public IntPtr fetch_variables; public UIntPtr fetch_variables_count; public IntPtr tenant_ids; public UIntPtr tenant_ids_count;
        public int polls_alone, extend_timeout, leave_freed_jobs, forward_trace_context;
        public long watchdog_ms, stream_timeout_ms, poll_interval_ms, request_timeout_ms, backoff_min_ms, backoff_max_ms, backoff_factor_percent;
        public long backoff_jitter_percent, retry_backoff_ms, grace_ms; public IntPtr metadata;
    }
    [StructLayout(LayoutKind.Sequential)]
    public struct Event {
        public ulong tag; public int event_type, grpc_status; public IntPtr data; public UIntPtr length; public IntPtr message, response, metadata, error;
        public int state, failures; public long pause_ms; public IntPtr job; public int outcome; public uint reserved;
    }

    [DllImport(Library)] public static extern void zeebe_call_options_init(out CallOptions options, UIntPtr size);
    [DllImport(Library)] public static extern void zeebe_job_worker_options_init(out JobWorkerOptions options, UIntPtr size);
    [DllImport(Library)] public static extern IntPtr zeebe_create_channel_from_environment(IntPtr options, out IntPtr channel);
    [DllImport(Library)] public static extern IntPtr zeebe_completion_queue_new(out IntPtr queue);
    [DllImport(Library)]
    public static extern IntPtr zeebe_channel_json_call_sync(IntPtr channel, byte[] rpc, byte[] request, ref CallOptions options, out IntPtr answer);
    [DllImport(Library)]
    public static extern IntPtr zeebe_job_worker_start_on_queue(IntPtr channel, ref JobWorkerOptions options, IntPtr queue, ulong tag, out IntPtr worker);
    [DllImport(Library)]
    public static extern IntPtr zeebe_completion_queue_next(IntPtr queue, long timeout_ms, [Out] Event[] events, UIntPtr size, UIntPtr most, out UIntPtr count);
    [DllImport(Library)] public static extern void zeebe_events_clear([In, Out] Event[] events, UIntPtr size, UIntPtr count);
    [DllImport(Library)] public static extern IntPtr zeebe_job_variables(IntPtr job, IntPtr length);
    [DllImport(Library)] public static extern IntPtr zeebe_job_complete_on_queue(IntPtr job, byte[] variables, IntPtr queue, ulong tag);
    [DllImport(Library)] public static extern void zeebe_job_worker_close(IntPtr worker);
    [DllImport(Library)] public static extern void zeebe_job_worker_free(IntPtr worker);
    [DllImport(Library)] public static extern void zeebe_completion_queue_free(IntPtr queue);
    [DllImport(Library)] public static extern void zeebe_channel_free(IntPtr channel);
    [DllImport(Library)] public static extern void zeebe_string_free(IntPtr text);
    [DllImport(Library)] static extern IntPtr zeebe_error_message(IntPtr error);
    [DllImport(Library)] static extern void zeebe_error_free(IntPtr error);

    public static void Must(IntPtr error) {
        if (error == IntPtr.Zero) return;
        string why = Text(zeebe_error_message(error));
        zeebe_error_free(error);
        throw new Exception(why);
    }
    public static byte[] Utf8(string text) { return Encoding.UTF8.GetBytes(text + "\0"); }
    public static string Text(IntPtr utf8) {
        int length = 0;
        while (Marshal.ReadByte(utf8, length) != 0) length++;
        var bytes = new byte[length];
        Marshal.Copy(utf8, bytes, 0, length);
        return Encoding.UTF8.GetString(bytes);
    }
}

static class Program {
    static int Main(string[] arguments) {
        try {
            Work(arguments[0], arguments[1]);
            return 0;
        } catch (Exception e) {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }

    static void Work(string process, string jobType) {
        IntPtr channel, queue = IntPtr.Zero, worker = IntPtr.Zero, answer;
        Zeebe.Must(Zeebe.zeebe_create_channel_from_environment(IntPtr.Zero, out channel));
        var type = GCHandle.Alloc(Zeebe.Utf8(jobType), GCHandleType.Pinned);
        try {
            Zeebe.Must(Zeebe.zeebe_completion_queue_new(out queue));
            Zeebe.CallOptions within;
            Zeebe.zeebe_call_options_init(out within, (UIntPtr)Marshal.SizeOf(typeof(Zeebe.CallOptions)));
            within.timeout_ms = 10000;
            byte[] request = Zeebe.Utf8("{\"bpmnProcessId\":\"" + process + "\",\"version\":-1,\"variables\":{\"amount\":7}}");
            Zeebe.Must(Zeebe.zeebe_channel_json_call_sync(channel, Zeebe.Utf8("CreateProcessInstance"), request, ref within, out answer));
            Console.WriteLine(Zeebe.Text(answer));
            Zeebe.zeebe_string_free(answer);

            Zeebe.JobWorkerOptions working;
            Zeebe.zeebe_job_worker_options_init(out working, (UIntPtr)Marshal.SizeOf(typeof(Zeebe.JobWorkerOptions)));
            working.job_type = type.AddrOfPinnedObject();
            Zeebe.Must(Zeebe.zeebe_job_worker_start_on_queue(channel, ref working, queue, 0, out worker));
            var events = new Zeebe.Event[16];
            var size = (UIntPtr)Marshal.SizeOf(typeof(Zeebe.Event));
            for (bool open = true; open;) {
                UIntPtr count;
                Zeebe.Must(Zeebe.zeebe_completion_queue_next(queue, -1, events, size, (UIntPtr)events.Length, out count));
                for (int i = 0; i < (int)count; i++) {
                    switch (events[i].event_type) {
                    case Zeebe.EVENT_JOB:
                        Console.WriteLine("job " + Zeebe.Text(Zeebe.zeebe_job_variables(events[i].job, IntPtr.Zero)));
                        Zeebe.Must(Zeebe.zeebe_job_complete_on_queue(events[i].job, Zeebe.Utf8("{\"done\": true}"), queue, 1));
                        break;
                    case Zeebe.EVENT_JOB_ENDED:
                        Console.WriteLine(events[i].outcome == Zeebe.OUTCOME_ENDED ? "completed" : "not completed");
                        Zeebe.zeebe_job_worker_close(worker);
                        break;
                    case Zeebe.EVENT_CLOSE:
                        open = false;
                        break;
                    }
                }
                Zeebe.zeebe_events_clear(events, size, count);
            }
        } finally {
            Zeebe.zeebe_job_worker_free(worker);
            Zeebe.zeebe_completion_queue_free(queue);
            Zeebe.zeebe_channel_free(channel);
            type.Free();
        }
    }
}
