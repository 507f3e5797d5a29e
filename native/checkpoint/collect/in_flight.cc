#include "checkpoint/collect/in_flight.h"

#include <utility>

namespace thaw::checkpoint {
namespace {

class Search {
 public:
  explicit Search(Found& found) : found_(found) {}

  /// Until no queue leads to another: a socket's peer may be in flight itself.
  Result<Queues> look() {
    do {
      for (; seen_ < found_.probes.size(); ++seen_)
        if (S_ISSOCK(found_.probes[seen_].status.st_mode)) waiting_.push_back(seen_);
      THAW_TRY(look_once());
    } while (seen_ < found_.probes.size());
    return std::move(queues_);
  }

 private:
  Result<void> look_once() {
    for (const size_t socket : std::exchange(waiting_, {})) {
      if (!fd::has_queue(found_.probes, found_.probes[socket])) {
        waiting_.push_back(socket);
        continue;
      }
      const uint64_t inode = found_.probes[socket].status.st_ino;
      const auto [known, fresh] =
          queues_.by_inode.try_emplace(inode, fd::peek_queue(found_.probes[socket]));
      if (fresh && known->second) THAW_TRY(follow(socket, known->second.value()));
    }
    return {};
  }

  Result<void> follow(size_t socket, fd::UnixQueue& queue) {
    for (UniqueFd& copy : std::exchange(queue.descriptors, {})) {
      THAW_ASSIGN(description, find_in_flight(std::move(copy), socket, found_));
      queues_.held.push_back({socket, description});
    }
    return {};
  }

  Found& found_;
  size_t seen_ = 0;  ///< probes that have been looked at
  std::vector<size_t>
      waiting_;  ///< sockets of which nothing is known, or whose peers are not found yet
  Queues queues_;
};

}  // namespace

void Queues::record(const fd::Probe& carrier, model::Index open_file, int callers_number) {
  fd::UnixQueue& queue = by_inode.at(carrier.status.st_ino).value();
  if (open_file != model::kNone) carriers.try_emplace(open_file, fd::describe(carrier));
  queue.carried.push_back({open_file, open_file == model::kNone ? callers_number : -1});
}

Result<Queues> look_into_queues(Found& found) {
  return Search(found).look();
}

}  // namespace thaw::checkpoint
