#include "tests/unit/simulator/coroutine.h"

#include "base/arena.h"

#include <assert.h>
#include <sys/mman.h>
#include <ucontext.h>

#if defined(__SANITIZE_ADDRESS__)
#define WITH_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WITH_ASAN 1
#endif
#endif
#ifdef WITH_ASAN
#include <sanitizer/common_interface_defs.h>
#endif

#define STACK_SIZE (256 * 1024)
#define GUARD_SIZE (16 * 1024)

typedef struct Stack {
        struct Stack *next; /* stands at the stack's low end while the stack is free */
} Stack;

struct Coroutine {
        void (*body)(void *argument);
        void *argument;
        unsigned char *stack;
        bool ended;
#ifdef __x86_64__
        void *inside, *outside; /* stack pointers */
#else
        ucontext_t inside, outside;
#endif
#ifdef WITH_ASAN
        void *inside_fake, *outside_fake;
        const void *outside_bottom;
        size_t outside_size;
#endif
};

static Coroutine *current;
static Stack *free_stacks;

static unsigned char *stack_take(void) {
        if (free_stacks) {
                Stack *stack = free_stacks;
                free_stacks = stack->next;
                return (unsigned char *) stack;
        }
        unsigned char *memory = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
                                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (memory == MAP_FAILED || mprotect(memory, GUARD_SIZE, PROT_NONE) != 0)
                abort();
        return memory + GUARD_SIZE;
}

void coroutine_release_stacks(void) {
        while (free_stacks) {
                Stack *stack = free_stacks;
                free_stacks = stack->next;
                munmap((unsigned char *) stack - GUARD_SIZE, GUARD_SIZE + STACK_SIZE);
        }
}

#ifdef WITH_ASAN
static void asan_enter(Coroutine *coroutine) {
        __sanitizer_start_switch_fiber(&coroutine->outside_fake, coroutine->stack, STACK_SIZE);
}
static void asan_entered(Coroutine *coroutine) {
        __sanitizer_finish_switch_fiber(coroutine->inside_fake, &coroutine->outside_bottom, &coroutine->outside_size);
}
static void asan_leave(Coroutine *coroutine) {
        __sanitizer_start_switch_fiber(coroutine->ended ? NULL : &coroutine->inside_fake, coroutine->outside_bottom,
                                       coroutine->outside_size);
}
static void asan_left(Coroutine *coroutine) {
        __sanitizer_finish_switch_fiber(coroutine->outside_fake, NULL, NULL);
}
#else
#define asan_enter(coroutine)   ((void) (coroutine))
#define asan_entered(coroutine) ((void) (coroutine))
#define asan_leave(coroutine)   ((void) (coroutine))
#define asan_left(coroutine)    ((void) (coroutine))
#endif

#ifdef __x86_64__
/* Saves what a callee must keep on the old stack, and takes it from the new one. */
__attribute__((naked, noinline)) static void switch_stacks(__attribute__((unused)) void **ret_from,
                                                           __attribute__((unused)) void *to) {
        __asm__ volatile("pushq %rbp\n\t"
                         "pushq %rbx\n\t"
                         "pushq %r12\n\t"
                         "pushq %r13\n\t"
                         "pushq %r14\n\t"
                         "pushq %r15\n\t"
                         "movq %rsp, (%rdi)\n\t"
                         "movq %rsi, %rsp\n\t"
                         "popq %r15\n\t"
                         "popq %r14\n\t"
                         "popq %r13\n\t"
                         "popq %r12\n\t"
                         "popq %rbx\n\t"
                         "popq %rbp\n\t"
                         "retq\n\t");
}
#define SWITCH_IN(coroutine)  switch_stacks(&(coroutine)->outside, (coroutine)->inside)
#define SWITCH_OUT(coroutine) switch_stacks(&(coroutine)->inside, (coroutine)->outside)
#else
#define SWITCH_IN(coroutine)  swapcontext(&(coroutine)->outside, &(coroutine)->inside)
#define SWITCH_OUT(coroutine) swapcontext(&(coroutine)->inside, &(coroutine)->outside)
#endif

static void leave(Coroutine *coroutine) {
        asan_leave(coroutine);
        SWITCH_OUT(coroutine);
        asan_entered(coroutine);
}

static void enter_body(void) {
        Coroutine *coroutine = current;

        asan_entered(coroutine);
        coroutine->body(coroutine->argument);
        coroutine->ended = true;
        leave(coroutine);
        abort(); /* nobody resumes what has ended */
}

Coroutine *coroutine_new(void (*body)(void *argument), void *argument) {
        Coroutine *coroutine = memory_new(sizeof(*coroutine));

        coroutine->body = body;
        coroutine->argument = argument;
        coroutine->stack = stack_take();
#ifdef __x86_64__
        /* Six saved registers, then the address to return to; a function expects rsp + 8 to be a multiple of 16. */
        uintptr_t *top = (uintptr_t *) (coroutine->stack + STACK_SIZE) - 2;
        top[0] = (uintptr_t) enter_body;
        for (int i = 1; i <= 6; i++)
                top[-i] = 0;
        top[1] = 0;
        coroutine->inside = top - 6;
#else
        getcontext(&coroutine->inside);
        coroutine->inside.uc_stack = (stack_t){ .ss_sp = coroutine->stack, .ss_size = STACK_SIZE };
        makecontext(&coroutine->inside, enter_body, 0);
#endif
        return coroutine;
}

bool coroutine_resume(Coroutine *coroutine) {
        Coroutine *before = current;

        assert(!coroutine->ended);
        current = coroutine;
        asan_enter(coroutine);
        SWITCH_IN(coroutine);
        asan_left(coroutine);
        current = before;
        return !coroutine->ended;
}

void coroutine_yield(void) {
        leave(current);
}

void coroutine_free(Coroutine *coroutine) {
        assert(coroutine->ended);
        Stack *stack = (Stack *) coroutine->stack;
        stack->next = free_stacks;
        free_stacks = stack;
        free(coroutine);
}
