// What the warm state was computed from: all of it must be as it was (docs/inputs.md).
#pragma once

#include <functional>
#include <span>

#include "image/input_rows.h"
#include "image/view.h"
#include "launch/check/shared_work.h"
#include "launch/exec_call.h"
#include "support/result.h"

namespace thaw::launch {

/// The inputs that this launch must compare: those that a root identity stands for are not even read.
Result<image::InputRows> rows_to_compare(image::View& view, const ExecCall& call);

/// Looks each input up once, and reads those alone that look different. A few are compared at once.
/// Of many, helpers on other CPUs compare them beside the rest of the launch, which waits for them
/// before it commits.
class InputsCheck {
 public:
  /// What a helper does with a change that nobody waits for any more.
  using Tell = void (*)(const ExecCall& call, const Error& reason);

  /// `view` and `call` must outlive it.
  InputsCheck(const image::View& view, const ExecCall& call, image::InputRows rows,
              bool may_have_helpers, Tell tell);

  [[nodiscard]] bool wants_helpers() const { return work_.wants_helpers(); }

  /// Where it wants helpers, with signals blocked: a helper that the terminal stops would hold the
  /// launch up.
  Result<void> begin();

  /// Takes part in what the restorer would have to wait for. From then on, the helpers tell of a
  /// change themselves; ends with 0 say that they have found none.
  Result<void> leave_to_helpers();

  /// The first input that has changed, gone or come, as the reason for a cold start; none where a
  /// helper has told of it.
  Result<void> finish();

  /// Process ids of those that compare inputs by now.
  [[nodiscard]] std::span<const int> helpers() const { return work_.helpers(); }

 private:
  [[nodiscard]] Error told(const SharedWork::Found& found) const;

  const image::View& view_;
  const ExecCall& call_;
  Tell tell_;
  image::InputRows rows_;
  SharedWork work_;
};

/// All of them.
void check_inputs(const image::View& view, const std::function<void(const Error&)>& report);

/// The same in another root file system, where all are copies.
void check_inputs_in(const image::View& view, int root,
                     const std::function<void(const Error&)>& report);

}  // namespace thaw::launch
