// What the planner and the shim share: the blob's header and the shim's data.
#pragma once

#include <stdint.h>

namespace thaw::shim {

/// Guards that a test can switch off, as bits of Tables::off.
enum GuardBit : uint32_t {
  kGuardDontneed = 1u << 0,
  kGuardFree = 1u << 1,
  kGuardWipeonfork = 1u << 2,
  kGuardMremap = 1u << 3,
  kGuardMunmap = 1u << 4,
  kGuardMprotect = 1u << 5,
  kGuardSyscall = 1u << 6,
};

/// State of one page: PROT_* in the low bits, whether it is still mapped from the image, and the
/// advice that fresh memory in its place must be given again.
enum PageBit : uint8_t {
  kPageProt = 7,
  kPageFromImage = 8,
  kPageDontfork = 16,
  kPageDontdump = 32,
};

/// [start, end) was mapped from the image; the states of its pages begin at `first_page` of the
/// page table.
struct Range {
  uint64_t start, end;
  uint64_t first_page;
};

/// A System V segment: the id that the app knows, and the kernel's own, which each launch writes.
struct SegmentId {
  int32_t kept, now;
};
constexpr uint32_t kMostSegmentIds = 16;

/// System V semaphores (kind 0) or a message queue (1) that the app knows by this id.
struct KnownIpc {
  int32_t id;
  uint32_t kind;
};
constexpr uint32_t kMostKnownIpc = 16;

/// Code of the program that a jump to the shim has replaced, for a checkpoint of the launched app.
struct ChangedSite {
  uint64_t start;
  uint64_t size;
  uint8_t bytes[16];
};

/// The shim's data, at the start of the writable part of the thaw area. Ranges follow, then a byte
/// per page.
struct Tables {
  uint32_t park_words[2];   ///< see arch/<cpu>/park.S
  uint32_t off;             ///< GuardBits that are switched off
  uint32_t lock;            ///< process id of the holder, 0: free
  uint64_t errno_location;  ///< libc's __errno_location
  uint64_t page_size;
  uint64_t range_count;
  uint64_t fork_handlers;  ///< address of the addresses that blob/fork.cc calls
  uint64_t fork_handler_count;
  SegmentId segment_ids[kMostSegmentIds];
  uint64_t segment_id_count;
  KnownIpc known_ipc[kMostKnownIpc];  ///< only a checkpoint of the launched app reads them
  uint64_t known_ipc_count;
  uint64_t changed_sites;  ///< address of ChangedSite[]
  uint64_t changed_site_count;
  uint64_t site_stack;  ///< end of the stack on which calls of blob/sites.cc run
  uint32_t site_lock;   ///< process id of who runs there, 0: nobody
  uint32_t reserved;
};

/// What the functions of the environment work with while an app warms up (blob/lookups.cc): the
/// blob's tables then are these. The names follow, each with its NUL.
struct Lookups {
  char magic[8];
  uint64_t environ_address;  ///< libc's `environ`
  uint64_t errno_location;   ///< libc's __errno_location
  /// The environment's strings as the app finds them, and the same bytes where they can be read
  /// without a trace.
  uint64_t traced_start, traced_end, quiet_start;
  uint64_t heap_next, heap_end;  ///< room for strings and arrays of setenv(3)
  uint32_t lock;                 ///< process id of the holder, 0: free
  uint32_t used;                 ///< bytes of names
  uint32_t room;                 ///< for names
  uint32_t overflow;             ///< 1: names were lost
  uint32_t settled;              ///< 1: libc's functions are back, and `walked` is final
  uint32_t walked;               ///< 1: the strings were read without these functions
  uint32_t reserved;
  /// What stood in libc where jumps stand now.
  struct {
    uint64_t address;
    uint8_t bytes[24];
  } replaced[5];
};
constexpr char kLookupsMagic[8] = {'T', 'H', 'A', 'W', 'L', 'O', 'O', 'K'};

/// The blob's first words (blob/header.S): offsets of its entries, then addresses, filled in by the
/// planner: of Tables, of the app's struct thaw_call (0: none), and of the end of the stack on which
/// blob/fork.cc runs (0: it does not).
struct BlobHeader {
  uint32_t park, finish, leave;
  uint32_t madvise, posix_madvise, mremap, mmap, mmap64, munmap, mprotect, pkey_mprotect, syscall;
  uint32_t shmget, shmat, shmctl, site;
  uint32_t start_cold, signal_return;
  uint32_t getenv, setenv, unsetenv, putenv;
  uint64_t tables;
  uint64_t call;
  uint64_t fork_stack;
};

}  // namespace thaw::shim
