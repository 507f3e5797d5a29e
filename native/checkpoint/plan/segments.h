// System V shared memory that the app has attached (shmat(2)).
#pragma once

#include <span>
#include <vector>

#include "checkpoint/capture.h"
#include "checkpoint/plan/page_data.h"
#include "policy/policy.h"
#include "proc/system_v.h"

namespace thaw::checkpoint {

/// The segment behind a mapping of a process whose mappings are `all`; `mappings` is how many of it
/// all processes of the app have. Refused where a launch cannot make it again: others have it, its
/// id is kept by the app, or a part of it is mapped.
Result<proc::Segment> check_segment(const policy::Policies& policies, const proc::Vma& vma,
                                    std::span<const proc::Vma> all, uint64_t mappings);

/// The id under which the app knows the segment with that id of the kernel's: another one where the
/// app was launched (native/shim/blob/segments.h).
int id_of_app(const ProcessCapture& process, int id);

/// How many mappings of the segment there are among these.
uint64_t mappings_of_segment(const proc::Vma& vma, std::span<const proc::Vma> all);

/// The ids, as the app knows them, of its segments with a key, in the order in which the image gets to
/// know them: those that any of its processes has attached, and those that are left. Each process may
/// keep any of these.
std::vector<int> kept_segment_ids(const Capture& capture);

/// Adds the segments that the app has left without attaching them: some process of it has made them,
/// and has ended, and others will attach them by their keys (PostgreSQL's connections do so). They are
/// told by their user, and by having been made since the app was started; nothing else links them to
/// it, so that they are looked for only where it has others attached. Refused without a policy.
Result<void> plan_left_segments(Capture& capture, PageData& data);

}  // namespace thaw::checkpoint
