// What waits in the unix sockets of the app, and the descriptors that messages carry there: they may be
// held by nothing else, and be sockets with such messages in their own queues.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/collect/found.h"
#include "fd/peek_queue.h"

namespace thaw::checkpoint {

struct Queues {
  /// A descriptor in flight, in the order of each queue.
  struct Held {
    size_t carrier;      ///< the socket in whose queue it is: index of its probe
    size_t description;  ///< index of its probe
  };

  fd::UnixQueues by_inode;
  std::vector<Held> held;
  /// By OpenFile in flight: a socket in whose queue it is, as messages name it.
  std::map<model::Index, std::string> carriers;

  /// Notes what the image has of the next one in the queue of `carrier`: an OpenFile, or (kNone) the
  /// caller's descriptor of that number.
  void record(const fd::Probe& carrier, model::Index open_file, int callers_number);
};

/// Adds all descriptions in flight to `found`. A queue that is refused is refused in Queues::by_inode.
Result<Queues> look_into_queues(Found& found);

}  // namespace thaw::checkpoint
