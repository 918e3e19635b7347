/* Tells ThreadSanitizer what it cannot see in Rust's standard library, which comes compiled, without instrumentation.
 *
 * What of it is generic is compiled with the crates, and so is instrumented; these few functions are not. Linked with
 * --wrap, so that calls of them come here. scripts/thread-sanitizer finds their symbols and gives them as macros. Not
 * instrumented itself.
 *
 * An acquire or a release at a lock's own address joins the threads that the instrumented part of the same lock joins.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WRAPPED(symbol) __asm__("__wrap_" symbol)
#define ORIGINAL(symbol) __asm__("__real_" symbol)

void __tsan_acquire(void *address);
void __tsan_release(void *address);

/* Mutex and RwLock, when they wait; the other ways through them are inline. */

void lock_contended(void *mutex) ORIGINAL(LOCK_CONTENDED);
void wrap_lock_contended(void *mutex) WRAPPED(LOCK_CONTENDED);
void wrap_lock_contended(void *mutex)
{
    lock_contended(mutex);
    __tsan_acquire(mutex);
}

void read_contended(void *lock) ORIGINAL(READ_CONTENDED);
void wrap_read_contended(void *lock) WRAPPED(READ_CONTENDED);
void wrap_read_contended(void *lock)
{
    read_contended(lock);
    __tsan_acquire(lock);
}

void write_contended(void *lock) ORIGINAL(WRITE_CONTENDED);
void wrap_write_contended(void *lock) WRAPPED(WRITE_CONTENDED);
void wrap_write_contended(void *lock)
{
    write_contended(lock);
    __tsan_acquire(lock);
}

/* Condvar: unlocks, waits and locks again. */

void wait(void *condvar, void *mutex) ORIGINAL(WAIT);
void wrap_wait(void *condvar, void *mutex) WRAPPED(WAIT);
void wrap_wait(void *condvar, void *mutex)
{
    __tsan_release(mutex);
    wait(condvar, mutex);
    __tsan_acquire(mutex);
}

bool wait_timeout(void *condvar, void *mutex, uint64_t seconds, uint32_t nanoseconds) ORIGINAL(WAIT_TIMEOUT);
bool wrap_wait_timeout(void *condvar, void *mutex, uint64_t seconds, uint32_t nanoseconds) WRAPPED(WAIT_TIMEOUT);
bool wrap_wait_timeout(void *condvar, void *mutex, uint64_t seconds, uint32_t nanoseconds)
{
    __tsan_release(mutex);
    bool in_time = wait_timeout(condvar, mutex, seconds, nanoseconds);
    __tsan_acquire(mutex);
    return in_time;
}

/* Once, and what is made of it: runs the closure, or waits for the thread that does. What the closure did is released
 * before Once says that it is done, so another closure stands around it: a `&mut dyn FnMut` is a pointer and a table. */

struct table {
    void (*drop)(void *closure);
    size_t size, alignment;
    void (*call_once)(void *closure, void *state);
    void (*call_mut)(void *closure, void *state);
};

struct closure {
    void *once, *inner;
    const struct table *table;
};

static void run_and_release(void *self, void *state)
{
    struct closure *closure = self;
    closure->table->call_mut(closure->inner, state);
    __tsan_release(closure->once);
}

void call_once(void *once, bool ignore_poison, void *closure, const struct table *table) ORIGINAL(CALL_ONCE);
void wrap_call_once(void *once, bool ignore_poison, void *closure, const struct table *table) WRAPPED(CALL_ONCE);
void wrap_call_once(void *once, bool ignore_poison, void *closure, const struct table *table)
{
    static const struct table around = {.size = sizeof(struct closure), .alignment = _Alignof(struct closure), .call_mut = run_and_release};
    struct closure outer = {once, closure, table};
    call_once(once, ignore_poison, &outer, &around);
    __tsan_acquire(once);
}

/* Arc and Weak count down with a release, and the last says fence(acquire): that acquires what was released to the
 * counter. ThreadSanitizer knows no fences. */

enum { ACQUIRE = 2 };

static _Thread_local void *counter; /* which this thread touched last */

uint64_t __real___tsan_atomic64_fetch_sub(volatile uint64_t *address, uint64_t value, int order);
uint64_t __wrap___tsan_atomic64_fetch_sub(volatile uint64_t *address, uint64_t value, int order)
{
    counter = (void *)address;
    return __real___tsan_atomic64_fetch_sub(address, value, order);
}

/* Arc::try_unwrap and Arc::get_mut. */
uint64_t __real___tsan_atomic64_compare_exchange_val(volatile uint64_t *address, uint64_t expected, uint64_t value, int order, int failure_order);
uint64_t __wrap___tsan_atomic64_compare_exchange_val(volatile uint64_t *address, uint64_t expected, uint64_t value, int order, int failure_order)
{
    counter = (void *)address;
    return __real___tsan_atomic64_compare_exchange_val(address, expected, value, order, failure_order);
}

void __real___tsan_atomic_thread_fence(int order);
void __wrap___tsan_atomic_thread_fence(int order)
{
    __real___tsan_atomic_thread_fence(order);
    if (counter != NULL && order >= ACQUIRE) __tsan_acquire(counter);
}
