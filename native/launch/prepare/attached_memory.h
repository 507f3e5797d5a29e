// System V shared memory of the app: made, filled and attached while thaw-exec has its own memory;
// the restorer then moves the mappings to where the app had them (shmat(2), mremap(2)). The processes
// of a tree are forked with the attachments of all of them, and each keeps its own.
#pragma once

#include <span>
#include <vector>

#include "image/view.h"
#include "restorer/handover.h"
#include "support/result.h"

namespace thaw::launch {

class AttachedMemory {
 public:
  AttachedMemory() = default;
  AttachedMemory(const AttachedMemory&) = delete;
  AttachedMemory& operator=(const AttachedMemory&) = delete;
  /// Detaches all, and removes what was made: a launch that is given up leaves nothing.
  ~AttachedMemory();

  /// Whether attach() does what other processes can see: memory with a key may be there.
  [[nodiscard]] static bool is_seen_outside(const image::View& view);

  Result<void> attach(const image::View& view);
  /// Of all processes, each place once.
  [[nodiscard]] std::span<const restorer::Move> moves() const { return moves_; }
  /// Of one process.
  [[nodiscard]] std::vector<restorer::Move> moves_of(const model::Process& process) const;
  /// A segment that has a key.
  struct WithKey {
    int id;
    bool made;  ///< by this launch; false: it was left by another
  };
  /// In the order in which the attachments of the app's processes name them first.
  [[nodiscard]] std::span<const WithKey> with_key() const { return with_key_; }

 private:
  /// A segment of this launch.
  struct Segment {
    model::Index object;
    int id;
    void* filled;  ///< where it is attached to be filled; null: not any more
    bool made;     ///< false: it was there, with its key
  };

  Result<void> attach(const image::View& view, const model::Attachment& wanted);
  Result<Segment> open(const image::View& view, model::Index index);
  Result<void> settle(const image::View& view);

  std::vector<Segment> segments_;
  std::vector<restorer::Move> moves_;
  std::vector<size_t> move_of_;  ///< index in `moves_`, for each of the image's attachments
  std::vector<WithKey> with_key_;
};

}  // namespace thaw::launch
