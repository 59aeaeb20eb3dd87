/* Counts what Python's small-object allocator is asked for, from `begin` to `end`.
 *
 * Loaded by bench/micro.py with ctypes. Not only what stays is counted (as tracemalloc and
 * sys.getallocatedblocks do), but every call: objects that live for one line cost as well. Free
 * lists of the interpreter (floats, tuples, frames) answer without a call; that is no allocation.
 */
#include <Python.h>

static PyMemAllocatorEx object, memory;
static unsigned long long calls, bytes;

static void *count_malloc(void *own, size_t size) {
    PyMemAllocatorEx *below = own;
    calls++;
    bytes += size;
    return below->malloc(below->ctx, size);
}

static void *count_calloc(void *own, size_t number, size_t size) {
    PyMemAllocatorEx *below = own;
    calls++;
    bytes += number * size;
    return below->calloc(below->ctx, number, size);
}

static void *count_realloc(void *own, void *old, size_t size) {
    PyMemAllocatorEx *below = own;
    calls++;
    bytes += size;
    return below->realloc(below->ctx, old, size);
}

static void count_free(void *own, void *old) {
    PyMemAllocatorEx *below = own;
    below->free(below->ctx, old);
}

static void wrap(PyMemAllocatorDomain domain, PyMemAllocatorEx *below) {
    PyMem_GetAllocator(domain, below);
    PyMemAllocatorEx above = {below, count_malloc, count_calloc, count_realloc, count_free};
    PyMem_SetAllocator(domain, &above);
}

void begin_counting(void) {
    calls = bytes = 0;
    wrap(PYMEM_DOMAIN_OBJ, &object);
    wrap(PYMEM_DOMAIN_MEM, &memory);
}

void end_counting(void) {
    PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &object);
    PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &memory);
}

unsigned long long counted_calls(void) { return calls; }
unsigned long long counted_bytes(void) { return bytes; }
