/* A plugin of QEMU's user emulation: how many instructions the guest has executed whenever it makes one harmless
   system call, sched_get_priority_max, which Python offers and nothing else here makes.

   -plugin insncount.so,out=FILE,call=NUMBER appends a line "ARGUMENT COUNT" to FILE at each such call.

   The declarations are those of qemu-plugin.h, version 1 (QEMU 7.2), which Debian does not ship. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
enum inline_op { INLINE_ADD_U64 };
typedef void (*on_block)(plugin_id, struct qemu_plugin_tb *);
typedef void (*on_call)(plugin_id, unsigned, int64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t, uint64_t,
                        uint64_t, uint64_t);
void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id, on_block);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, enum inline_op, void *, uint64_t);
void qemu_plugin_register_vcpu_syscall_cb(plugin_id, on_call);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

int qemu_plugin_version = 1;

static uint64_t executed;
static int64_t marking_call;
static FILE *out;

static void translated(plugin_id id, struct qemu_plugin_tb *block)
{
    qemu_plugin_register_vcpu_tb_exec_inline(block, INLINE_ADD_U64, &executed, qemu_plugin_tb_n_insns(block));
}

static void called(plugin_id id, unsigned cpu, int64_t number, uint64_t tag, uint64_t a2, uint64_t a3, uint64_t a4,
                   uint64_t a5, uint64_t a6, uint64_t a7, uint64_t a8)
{
    if (number == marking_call) {
        fprintf(out, "%llu %llu\n", (unsigned long long)tag, (unsigned long long)executed);
        fflush(out);
    }
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (!strncmp(argv[i], "out=", 4))
            out = fopen(argv[i] + 4, "a");
        else if (!strncmp(argv[i], "call=", 5))
            marking_call = strtoll(argv[i] + 5, NULL, 10);
    }
    if (!out || !marking_call)
        return -1;
    qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
    qemu_plugin_register_vcpu_syscall_cb(id, called);
    return 0;
}
