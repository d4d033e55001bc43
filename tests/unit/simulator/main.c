/* The simulator on the command line, as the tests call it. See usage(). */
#include "tests/unit/simulator/coroutine.h"
#include "tests/unit/simulator/simulator.h"

#include "base/text.h"

#include <getopt.h>
#include <stdio.h>
#include <time.h>

typedef struct Arguments {
        SimulatorOptions options;
        int64_t lives, first_seed, seconds;
        bool one_seed, twice, must_find, quiet;
} Arguments;

static int usage(void) {
        printf("simulator [--lives N] [--seed N] [--messages N] [--calm] [--trace] [--twice] [--must-find]\n\n"
               "  --lives N      run seeds, one after the other, until so many messages lived (20000)\n"
               "  --seed N       run only this seed\n"
               "  --first N      begin with this seed (1)\n"
               "  --messages N   that people write in one run (500); part of what a seed means\n"
               "  --calm         nothing breaks\n"
               "  --trace        print every event\n"
               "  --twice        run each seed twice and compare\n"
               "  --must-find    succeed only if a promise was broken: for the planted defects\n");
        return 64;
}

static bool to_number(const char *string, int64_t *ret_number) {
        return string && text_to_int64(text_of(string), ret_number) && *ret_number >= 0;
}

static bool parse(int count, char **strings, Arguments *ret_arguments) {
        static const struct option options[] = {
                { "lives", required_argument, NULL, 'l' },
                { "seed", required_argument, NULL, 's' },
                { "first", required_argument, NULL, 'f' },
                { "messages", required_argument, NULL, 'm' },
                { "calm", no_argument, NULL, 'c' },
                { "trace", no_argument, NULL, 't' },
                { "twice", no_argument, NULL, '2' },
                { "must-find", no_argument, NULL, 'd' },
                { NULL, 0, NULL, 0 },
        };
        bool ok = true;
        int option;

        *ret_arguments = (Arguments){ .lives = 20000, .first_seed = 1, .options = { .messages = 500 } };
        while (ok && (option = getopt_long(count, strings, "", options, NULL)) != -1)
                switch (option) {
                case 'l':
                        ok = to_number(optarg, &ret_arguments->lives);
                        break;
                case 's':
                        ret_arguments->one_seed = true;
                        ok = to_number(optarg, &ret_arguments->first_seed);
                        break;
                case 'f':
                        ok = to_number(optarg, &ret_arguments->first_seed);
                        break;
                case 'm':
                        ok = to_number(optarg, &ret_arguments->options.messages);
                        break;
                case 'c':
                        ret_arguments->options.calm = true;
                        break;
                case 't':
                        ret_arguments->options.print_trace = true;
                        break;
                case '2':
                        ret_arguments->twice = true;
                        break;
                case 'd':
                        ret_arguments->must_find = true;
                        break;
                default:
                        ok = false;
                }
        return ok && optind == count;
}

static void add(SimulatorResult *sum, const SimulatorResult *result) {
        sum->lives += result->lives;
        sum->answered += result->answered;
        sum->refused += result->refused;
        sum->cancelled += result->cancelled;
        sum->failed += result->failed;
        sum->repeats += result->repeats;
        sum->crashes += result->crashes;
        sum->freezes += result->freezes;
        sum->takeovers += result->takeovers;
        sum->breaks += result->breaks;
        sum->model_calls += result->model_calls;
        sum->tool_calls += result->tool_calls;
        sum->steps += result->steps;
        sum->waits += result->waits;
        sum->commits += result->commits;
        sum->simulated_us += result->simulated_us;
        sum->events += result->events;
        sum->trace = sum->trace * 31 + result->trace;
}

static void report(const Arguments *arguments, uint64_t seed, const SimulatorResult *result) {
        printf("seed %llu, at %.6f s: %s\nreplay: simulator --seed %llu --messages %lld%s --trace\n",
               (unsigned long long) seed, (double) result->violated_us / 1e6, result->violation,
               (unsigned long long) seed, (long long) arguments->options.messages,
               arguments->options.calm ? " --calm" : "");
}

static bool run_seed(const Arguments *arguments, uint64_t seed, SimulatorResult *ret_result) {
        SimulatorResult second;

        if (!simulate(seed, &arguments->options, ret_result)) {
                report(arguments, seed, ret_result);
                return false;
        }
        if (!arguments->twice)
                return true;
        simulate(seed, &arguments->options, &second);
        if (second.trace == ret_result->trace && second.events == ret_result->events)
                return true;
        printf("seed %llu: two runs differ, %016llx and %016llx\n", (unsigned long long) seed,
               (unsigned long long) ret_result->trace, (unsigned long long) second.trace);
        return false;
}

/* Of this process' own time: what else runs on the machine is no matter. */
static double seconds_now(void) {
        struct timespec now;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
        return (double) now.tv_sec + (double) now.tv_nsec / 1e9;
}

static void summarise(const SimulatorResult *sum, uint64_t seeds, double seconds) {
        printf("%lld lives of %llu seeds in %.2f s of CPU, %.0f lives a second; %.0f simulated seconds, %lld events, "
               "trace "
               "%016llx\n"
               "answered %lld, failed %lld, refused %lld, cancelled %lld, repeats %lld\n"
               "crashes %lld, freezes %lld, takeovers %lld, broken links %lld, commits %lld, steps %lld, model calls "
               "%lld, "
               "tool calls %lld, waits for a budget %lld\n",
               (long long) sum->lives, (unsigned long long) seeds, seconds, (double) sum->lives / seconds,
               (double) sum->simulated_us / 1e6, (long long) sum->events, (unsigned long long) sum->trace,
               (long long) sum->answered, (long long) sum->failed, (long long) sum->refused, (long long) sum->cancelled,
               (long long) sum->repeats, (long long) sum->crashes, (long long) sum->freezes, (long long) sum->takeovers,
               (long long) sum->breaks, (long long) sum->commits, (long long) sum->steps, (long long) sum->model_calls,
               (long long) sum->tool_calls, (long long) sum->waits);
}

int main(int count, char **strings) {
        Arguments arguments;
        SimulatorResult sum = { 0 }, result;
        bool ok = true;

        setvbuf(stdout, NULL, _IOFBF, 65536);
        if (!parse(count, strings, &arguments))
                return usage();
        double began = seconds_now();
        uint64_t seed = (uint64_t) arguments.first_seed, seeds = 0;
        arguments.options.print_last = !arguments.must_find && !arguments.options.print_trace;
        while (ok && sum.lives < arguments.lives && (seeds == 0 || !arguments.one_seed)) {
                ok = run_seed(&arguments, seed++, &result);
                add(&sum, &result);
                seeds++;
        }
        summarise(&sum, seeds, seconds_now() - began);
        coroutine_release_stacks();
        return ok == arguments.must_find;
}
