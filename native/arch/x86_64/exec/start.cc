// The start of thaw-exec, in place of libc's. That one asks the CPU some fifty questions for functions that a launch hardly
// calls: in a virtual machine each CPUID instruction ends in the hypervisor and takes 5 us, a fifth of nginx's first answer.
// Here all is done that it does but for these, in its order: csu/libc-start.c of glibc 2.36, for static programs without
// position-independent code. cpu.cmake has any other libc start thaw-exec itself.
#include <elf.h>

#include <cstdint>
#include <cstdlib>

#define HIDDEN [[gnu::visibility("hidden")]]

extern "C" {

using Initializer = void (*)(int, char**, char**);

int main(int, char**);
extern char** __environ;
extern void* __libc_stack_end;

HIDDEN void _dl_aux_init(Elf64_auxv_t*);
HIDDEN void __tunables_init(char**);
HIDDEN void __libc_setup_tls();
HIDDEN void __libc_early_init(bool);
HIDDEN void __libc_init_first(int, char**, char**);
HIDDEN void _init();
HIDDEN extern const uint64_t* _dl_random;
HIDDEN extern long __x86_shared_non_temporal_threshold;
HIDDEN extern const Elf64_Rela __rela_iplt_start[], __rela_iplt_end[];
HIDDEN extern const Initializer __preinit_array_start[], __preinit_array_end[];
HIDDEN extern const Initializer __init_array_start[], __init_array_end[];

}  // extern "C"

namespace {

/// Of functions that there are several of, those that every CPU can execute: nothing is known of this one.
void choose_functions() {
  for (const Elf64_Rela* each = __rela_iplt_start; each < __rela_iplt_end; ++each)
    *reinterpret_cast<uint64_t*>(each->r_offset) =
        reinterpret_cast<uint64_t (*)()>(each->r_addend)();
  // It is 0 now, which means all sizes. This is what glibc has for caches of 1 MB (sysdeps/x86/dl-cacheinfo.h).
  __x86_shared_non_temporal_threshold = (1l << 20) * 3 / 4;
}

/// Random values of the stack protector and for pointers in memory (struct tcbhead_t, sysdeps/x86_64/nptl/tls.h).
void set_guards() {
  const uint64_t stack = _dl_random[0] & ~uint64_t{0xff}, pointers = _dl_random[1];
  asm volatile("movq %0, %%fs:0x28\n\tmovq %1, %%fs:0x30" : : "r"(stack), "r"(pointers));
}

void initialize(int argc, char** argv) {
  for (const Initializer* each = __preinit_array_start; each < __preinit_array_end; ++each)
    (*each)(argc, argv, __environ);
  _init();
  for (const Initializer* each = __init_array_start; each < __init_array_end; ++each)
    (*each)(argc, argv, __environ);
}

bool is_secure(const Elf64_auxv_t* auxiliary) {
  for (; auxiliary->a_type != AT_NULL; ++auxiliary)
    if (auxiliary->a_type == AT_SECURE) return auxiliary->a_un.a_val != 0;
  return false;
}

}  // namespace

/// @param stack as the kernel leaves it: argc, the arguments, the environment, the auxiliary vector
extern "C" [[gnu::used, gnu::no_stack_protector]] void start_without_cpuid_on(long* stack) {
  const int argc = static_cast<int>(stack[0]);
  char** const argv = reinterpret_cast<char**>(stack + 1);
  char** const environment = argv + argc + 1;
  char** end = environment;
  while (*end++ != nullptr) {
  }
  auto* const auxiliary = reinterpret_cast<Elf64_auxv_t*>(end);
  // With rights that its caller has not, libc does more.
  if (is_secure(auxiliary))
    asm volatile("movq %0, %%rsp\n\txorl %%edx, %%edx\n\tjmp _start" : : "r"(stack));
  __environ = environment;
  __libc_stack_end = stack;
  _dl_aux_init(auxiliary);
  __tunables_init(environment);
  choose_functions();
  __libc_setup_tls();
  set_guards();
  __libc_early_init(true);
  __libc_init_first(argc, argv, environment);
  initialize(argc, argv);
  exit(main(argc, argv));
}

asm(R"(
    .pushsection .text
    .globl start_without_cpuid
    .type start_without_cpuid, @function
start_without_cpuid:
    xorl %ebp, %ebp
    movq %rsp, %rdi
    andq $-16, %rsp
    call start_without_cpuid_on
    .size start_without_cpuid, . - start_without_cpuid
    .popsection
)");
