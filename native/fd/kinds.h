// The table of descriptor kinds.
#pragma once

#include <cstdint>
#include <span>

#include "fd/kind.h"

namespace thaw::fd {

/// X(kind, id). The first row that matches a descriptor has it: the kinds that look at flags or
/// names stand before those that look at file types only. The id is what images call the kind by:
/// it never changes and is never given to another one, so a new kind takes the next free id
/// wherever its row stands. Next: 30.
#define THAW_DESCRIPTOR_KINDS(X) \
  X(kPathOnly, 1)                \
  X(kMemfd, 2)                   \
  X(kDeletedFile, 3)             \
  X(kProcessFile, 29)            \
  X(kRegularFile, 4)             \
  X(kDirectory, 5)               \
  X(kPty, 21)                    \
  X(kDevice, 6)                  \
  X(kPipe, 7)                    \
  X(kFifo, 8)                    \
  X(kEventfd, 9)                 \
  X(kEpoll, 10)                  \
  X(kTimerfd, 11)                \
  X(kSignalfd, 12)               \
  X(kInotify, 13)                \
  X(kFanotify, 28)               \
  X(kPidfd, 27)                  \
  X(kUnixPair, 14)               \
  X(kUnixListen, 15)             \
  X(kTcpListen, 16)              \
  X(kUdp, 17)                    \
  X(kNetlink, 18)                \
  X(kConnectedSocket, 19)        \
  X(kSession, 26)                \
  X(kPacket, 24)                 \
  X(kMessageQueue, 25)           \
  X(kRefused, 20)

#define X(kind, id) extern const Kind kind;
THAW_DESCRIPTOR_KINDS(X)
#undef X

struct KindRow {
  uint32_t id;  ///< OpenFile::kind
  const Kind* kind;
};

/// All kinds, in the order in which they are asked. The last one matches everything.
std::span<const KindRow> kinds();

/// The kind with that id, or null.
const Kind* find_kind(uint32_t id);

/// The id of a kind, where one hands a descriptor over to another.
uint32_t kind_id(const Kind&);

}  // namespace thaw::fd
