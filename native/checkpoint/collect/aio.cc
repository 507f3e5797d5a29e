// Kernel AIO (io_setup(2)). A ring without requests is as good as a new one of its size at its address.
// The kernel does not say whether there are any; but it takes no more of them than the ring has room
// for, so as many as it still takes tell.
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <sched.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>

#include "checkpoint/collect/collect.h"
#include "checkpoint/freeze/remote_syscalls.h"
#include "support/file.h"

namespace thaw::checkpoint {
namespace {

/// struct aio_ring of the kernel's fs/aio.c, as libaio knows it, too.
struct RingHeader {
  uint32_t id, events, head, tail, magic, compatible, incompatible, size;
};
constexpr uint32_t kMagic = 0xa10a10a1;

Error refuse_ring(const Vma& vma, const std::string& why, const char* remedy) {
  char text[96];
  snprintf(text, sizeof(text), "kernel AIO (io_setup) with the context id %#llx ",
           static_cast<unsigned long long>(vma.start));
  return Error{0, text + why, remedy};
}

constexpr const char* kLater =
    "let the app come to rest (lengthen `settle`), or set it up after the checkpoint (MariaDB: "
    "innodb_use_native_aio=0)";

/// Events in as many pages as the kernel makes of a ring.
uint64_t room_of(uint64_t size) {
  return (size - sizeof(RingHeader)) / sizeof(io_event);
}

/// The fewest requests for which io_setup(2) makes a ring of that size: it doubles them, and adds two.
uint32_t requests_for(uint64_t size, size_t page_size) {
  constexpr uint64_t kMore = 2;
  if (size <= page_size) return 1;
  return static_cast<uint32_t>((room_of(size - page_size) - kMore) / 2 + 1);
}

/// How many CPUs there can be: each takes room of a ring by portions.
uint32_t possible_cpus() {
  const auto text = read_file("/sys/devices/system/cpu/possible");
  if (!text) return 1;
  const std::string_view list = trim(text.value());
  const size_t at = list.find_last_of("-,");
  return static_cast<uint32_t>(number(list.substr(at == std::string_view::npos ? 0 : at + 1))) + 1;
}

/// What an idle ring takes: whole portions of one event less than it has room for.
uint32_t taken_when_idle(uint32_t events) {
  const uint32_t room = events - 1;
  const uint32_t portion = std::max(1u, room / (possible_cpus() * 4));
  return room - room % portion;
}

/// Requests that end at once, made in the app's name.
class Filler {
 public:
  Filler(RemoteSyscalls& remote, uint64_t ring) : remote_(remote), ring_(ring) {}

  /// How many the ring takes on this CPU.
  Result<uint32_t> fill() {
    THAW_ASSIGN(file, open_null());
    Block block = {};
    block.request.aio_lio_opcode = IOCB_CMD_PREAD;
    block.request.aio_fildes = static_cast<uint32_t>(file);
    block.requests.fill(static_cast<uintptr_t>(remote_.scratch()));
    THAW_TRY(remote_.write_scratch(&block, sizeof(block)));
    uint32_t taken = 0;
    for (;;) {
      THAW_ASSIGN(count, remote_.call(SYS_io_submit, ring_, block.requests.size(),
                                      remote_.scratch() + offsetof(Block, requests)));
      if (count <= 0) break;
      taken += static_cast<uint32_t>(count);
    }
    THAW_ASSIGN(closed, remote_.call(SYS_close, static_cast<uint64_t>(file)));
    (void)closed;
    return taken;
  }

  /// Reads the results of as many.
  Result<void> empty(uint32_t count) {
    constexpr uint64_t kMost = RemoteSyscalls::kScratchSize / sizeof(io_event);
    for (uint32_t left = count; left > 0;) {
      THAW_ASSIGN(got, remote_.call(SYS_io_getevents, ring_, 0, std::min<uint64_t>(left, kMost),
                                    remote_.scratch(), 0));
      if (got <= 0) return Error{EAGAIN, "results of kernel AIO do not come"};
      left -= static_cast<uint32_t>(got);
    }
    return {};
  }

 private:
  struct Block {
    iocb request;
    std::array<uintptr_t, 48> requests;  ///< the same, so many times
  };
  static_assert(sizeof(Block) <= RemoteSyscalls::kScratchSize);

  Result<int64_t> open_null() {
    constexpr char kNull[] = "/dev/null";
    THAW_TRY(remote_.write_scratch(kNull, sizeof(kNull)));
    THAW_ASSIGN(file, remote_.call(SYS_openat, static_cast<uint64_t>(AT_FDCWD), remote_.scratch(),
                                   O_RDONLY | O_CLOEXEC));
    if (file < 0) return Error{static_cast<int>(-file), "the app cannot open /dev/null"};
    return file;
  }

  RemoteSyscalls& remote_;
  uint64_t ring_;
};

/// While it lives, a thread runs where it is told.
class Tour {
 public:
  explicit Tour(pid_t tid) : tid_(tid) {
    CPU_ZERO(&own_);
    sched_getaffinity(tid_, sizeof(own_), &own_);
  }
  Tour(const Tour&) = delete;
  Tour& operator=(const Tour&) = delete;
  ~Tour() { sched_setaffinity(tid_, sizeof(own_), &own_); }

  [[nodiscard]] bool go_to(int cpu) const {
    if (!CPU_ISSET(cpu, &own_)) return false;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return sched_setaffinity(tid_, sizeof(one), &one) == 0;
  }

 private:
  pid_t tid_;
  cpu_set_t own_;
};

/// Portions may lie with any CPU on which the app has made requests.
Result<bool> is_idle(const ProcessCapture& process, RemoteSyscalls& remote, uint64_t ring,
                     uint32_t events) {
  const uint32_t wanted = taken_when_idle(events);
  Filler filler(remote, ring);
  THAW_ASSIGN(taken, filler.fill());
  if (taken < wanted) {
    const Tour tour(process.pid);
    for (int cpu = 0; cpu < CPU_SETSIZE && taken < wanted; ++cpu) {
      if (!tour.go_to(cpu)) continue;
      THAW_ASSIGN(more, filler.fill());
      taken += more;
    }
  }
  THAW_TRY(filler.empty(taken));
  return taken >= wanted;
}

Result<AioRing> look_at(const ProcessCapture& process, const Vma& vma, RemoteSyscalls& remote) {
  RingHeader header = {};
  if (!process.memory.read(vma.start, &header, sizeof(header)))
    return refuse_ring(vma, "cannot be read", kLater);
  if (header.magic != kMagic || header.events < 2 || header.events != room_of(vma.size()))
    return refuse_ring(vma, "is of a form that thaw does not know", kLater);
  THAW_ASSIGN(known, remote.call(SYS_io_getevents, vma.start, 0, 0, 0, 0));
  if (known < 0)
    return refuse_ring(vma, "is that of the process that this one was forked from",
                       "let the app call fork(2) before io_setup(2)");
  if (header.head != header.tail)
    return refuse_ring(vma, "holds results that the app has not read (io_getevents)", kLater);
  THAW_ASSIGN(idle, is_idle(process, remote, vma.start, header.events));
  if (!idle) return refuse_ring(vma, "has requests under way", kLater);
  return AioRing{process.pid, vma.start, header.events,
                 requests_for(vma.size(), static_cast<size_t>(sysconf(_SC_PAGESIZE)))};
}

}  // namespace

Result<void> collect_aio(Capture& capture, const ProcessCapture& process, RemoteSyscalls& remote) {
  for (const Vma& vma : process.vmas) {
    if (!is_aio_ring(vma)) continue;
    if (process.record.seccomp_filters.count != 0)
      return refuse_ring(vma, "cannot be looked at under a filter of system calls",
                         "set it up after the checkpoint");
    THAW_ASSIGN(ring, look_at(process, vma, remote));
    capture.aio_rings.push_back(ring);
  }
  return {};
}

}  // namespace thaw::checkpoint
