// Enters rt_sigreturn with a frame of arch::signal_frame() and checks that every register came back: general ones, FP and
// vector ones, rounding, the signal mask; on ARM in ARM and in Thumb code, on AArch64 also with SVE. Runs under user emulation, too.
#include <asm/unistd.h>
#include <linux/prctl.h>
#include <signal.h>
#include <sys/prctl.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "arch/arch.h"

using namespace thaw;

namespace {

// d16 to d31 are there on every CPU with NEON.
constexpr size_t kVectorSize = sizeof(void*) == 8 ? 512 : 256;

struct Seen {
  unsigned long general[32];
  alignas(16) uint8_t vector[kVectorSize];
  unsigned long control;  // fpcr or fpscr
};

int failures = 0;

void check(const char* what, uint64_t wanted, uint64_t got) {
  if (wanted == got) return;
  fprintf(stderr, "%s: %llx wanted, %llx seen\n", what, static_cast<unsigned long long>(wanted),
          static_cast<unsigned long long>(got));
  ++failures;
}

}  // namespace

extern "C" {
Seen seen;
alignas(64) char new_stack[65536];
[[noreturn]] void report();
void landing();
#if defined(__arm__)
void landing_thumb();
#else
constexpr void (*landing_thumb)() = landing;
#endif
}

#if defined(__aarch64__)
// Every register holds a value of its own on landing: x18 waits in tpidr_el0 while it holds the address of `seen`.
asm(R"(
    .globl landing
landing:
    msr tpidr_el0, x18
    adrp x18, seen
    add x18, x18, :lo12:seen
    stp x0, x1, [x18]
    stp x2, x3, [x18, #16]
    stp x4, x5, [x18, #32]
    stp x6, x7, [x18, #48]
    stp x8, x9, [x18, #64]
    stp x10, x11, [x18, #80]
    stp x12, x13, [x18, #96]
    stp x14, x15, [x18, #112]
    stp x16, x17, [x18, #128]
    mrs x0, tpidr_el0
    stp x0, x19, [x18, #144]
    stp x20, x21, [x18, #160]
    stp x22, x23, [x18, #176]
    stp x24, x25, [x18, #192]
    stp x26, x27, [x18, #208]
    stp x28, x29, [x18, #224]
    mov x0, sp
    stp x30, x0, [x18, #240]
    add x18, x18, #256
    stp q0, q1, [x18]
    stp q2, q3, [x18, #32]
    stp q4, q5, [x18, #64]
    stp q6, q7, [x18, #96]
    stp q8, q9, [x18, #128]
    stp q10, q11, [x18, #160]
    stp q12, q13, [x18, #192]
    stp q14, q15, [x18, #224]
    stp q16, q17, [x18, #256]
    stp q18, q19, [x18, #288]
    stp q20, q21, [x18, #320]
    stp q22, q23, [x18, #352]
    stp q24, q25, [x18, #384]
    stp q26, q27, [x18, #416]
    stp q28, q29, [x18, #448]
    stp q30, q31, [x18, #480]
    mrs x0, fpcr
    str x0, [x18, #512]
    msr fpcr, xzr
    ldr x0, =saved_tls
    ldr x0, [x0]
    msr tpidr_el0, x0
    b report
)");
extern "C" {
uint64_t saved_tls;
}
constexpr int kGeneral = 31, kStack = 31;
constexpr unsigned long kRounding = 1ul << 22;  // fpcr.RMode
#else
asm(R"(
    .syntax unified
    .fpu neon
    .globl landing
    .type landing, %function
    .arm
landing:
    push {r0}
    movw r0, #:lower16:seen
    movt r0, #:upper16:seen
    stmib r0, {r1-r12}
    str lr, [r0, #56]
    pop {r1}
    str r1, [r0]
    str sp, [r0, #52]
    add r1, r0, #128
    vstmia r1!, {d0-d15}
    vstmia r1!, {d16-d31}
    vmrs r2, fpscr
    str r2, [r1]
    mov r2, #0
    vmsr fpscr, r2
    b report
    .globl landing_thumb
    .type landing_thumb, %function
    .thumb
    .thumb_func
landing_thumb:
    bx pc
    nop
    .arm
    b landing
)");
constexpr int kGeneral = 13, kStack = 13;
constexpr unsigned long kRounding = 1ul << 22;  // fpscr.RMode
#endif

namespace {

uint64_t general_value(int i) {
  return 0x1000100010001000u + static_cast<unsigned>(i) * 0x0101010101010101u;
}

/// What ptrace would have shown of the thread.
arch::Registers make_registers(uintptr_t landing_address, bool thumb) {
  arch::Registers registers;
  unsigned long general[34] = {};
  for (int i = 0; i < kGeneral; ++i) general[i] = static_cast<unsigned long>(general_value(i));
  const auto stack = reinterpret_cast<unsigned long>(new_stack + sizeof(new_stack) - 4096);
#if defined(__aarch64__)
  (void)thumb;
  general[31] = stack, general[32] = landing_address, general[33] = 0x60000000;  // Z and C
#else
  general[13] = stack, general[14] = 0x1234, general[15] = landing_address & ~1ul;
  general[16] = 0x60000010 | (thumb ? 0x20 : 0);
#endif
  registers.general.resize(sizeof(long) == 8 ? sizeof(general) : 18 * sizeof(long));
  memcpy(registers.general.data(), general, registers.general.size());
  registers.vector.resize(sizeof(long) == 8 ? 528 : 260);
  for (size_t i = 0; i < kVectorSize; ++i) registers.vector[i] = static_cast<uint8_t>(i * 7 + 3);
  const uint32_t control = kRounding;
  memcpy(registers.vector.data() + (sizeof(long) == 8 ? 516 : 256), &control, sizeof(control));
  return registers;
}

[[noreturn]] void enter(uint64_t frame) {
#if defined(__aarch64__)
  asm volatile("mrs %0, tpidr_el0" : "=r"(saved_tls));
  asm volatile("mov sp, %0\n\tmov x8, %1\n\tsvc #0"
               :
               : "r"(frame), "i"(__NR_rt_sigreturn)
               : "memory");
#else
  asm volatile("mov sp, %0\n\tmov r7, %1\n\tsvc #0"
               :
               : "r"(static_cast<uint32_t>(frame)), "i"(__NR_rt_sigreturn)
               : "memory");
#endif
  __builtin_unreachable();
}

#if defined(__aarch64__)
/// NT_ARM_SVE behind the FP registers, as read_registers() puts it there. The kernel refuses a frame that is not well made.
void append_sve(arch::Registers& registers, uint16_t length) {
  const size_t payload = size_t{32} * length + size_t{17} * (length / 8);
  std::vector<uint8_t> sve(16 + payload + 32);
  const auto size = static_cast<uint32_t>(sve.size());
  const uint16_t header[4] = {length, length, 1 /* SVE_PT_REGS_SVE */, 0};
  memcpy(sve.data(), &size, sizeof(size));
  memcpy(sve.data() + 4, &size, sizeof(size));
  memcpy(sve.data() + 8, header, sizeof(header));
  for (size_t i = 0; i < 32; ++i)
    memcpy(sve.data() + 16 + i * length, registers.vector.data() + 16 * i, 16);
  registers.vector.insert(registers.vector.end(), sve.begin(), sve.end());
}
#endif

[[noreturn]] void start(bool second) {
  alignas(64) static uint8_t memory[32768];
  const auto landing_address = reinterpret_cast<uintptr_t>(second ? landing_thumb : landing);
  arch::Registers registers = make_registers(landing_address, second);
#if defined(__aarch64__)
  if (second) append_sve(registers, static_cast<uint16_t>(prctl(PR_SVE_GET_VL) & 0xffff));
#endif
  arch::SignalFrameInput input = {registers};
  input.blocked = 1u << (SIGUSR1 - 1);
  const auto address = reinterpret_cast<uintptr_t>(memory);
  const auto frame = arch::signal_frame(input, address);
  if (frame.size() > sizeof(memory)) abort();
  memcpy(memory, frame.data(), frame.size());
  enter(address + arch::kFrameStackOffset);
}

}  // namespace

void report() {
  for (int i = 0; i < kGeneral; ++i) {
    char name[16];
    snprintf(name, sizeof(name), "register %d", i);
    check(name, static_cast<unsigned long>(general_value(i)), seen.general[i]);
  }
  check("stack pointer", reinterpret_cast<unsigned long>(new_stack + sizeof(new_stack) - 4096),
        seen.general[kStack]);
  for (size_t i = 0; i < kVectorSize; ++i)
    check("vector byte", static_cast<uint8_t>(i * 7 + 3), seen.vector[i]);
  check("rounding mode", kRounding, seen.control & (3ul << 22));
  sigset_t mask;
  sigprocmask(SIG_BLOCK, nullptr, &mask);
  check("blocked SIGUSR1", 1, static_cast<uint64_t>(sigismember(&mask, SIGUSR1)));
  check("blocked SIGUSR2", 0, static_cast<uint64_t>(sigismember(&mask, SIGUSR2)));
  if (failures != 0) exit(1);
  // Again: in Thumb code on ARM; with SVE registers on AArch64 that has them.
  static bool again = sizeof(long) == 4 || prctl(PR_SVE_GET_VL) > 0;
  if (std::exchange(again, false)) start(true);
  printf("%s: registers came back\n", arch::kThisCpu.name);
  exit(0);
}

int main() {
  start(false);
}
