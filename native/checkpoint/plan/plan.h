// Planning: where every byte of page data goes in the image, and which ops bring the memory back.
// Nothing is written.
#pragma once

#include "checkpoint/capture.h"
#include "checkpoint/plan/page_data.h"

namespace thaw::checkpoint {

/// Completes the records of `capture`. The page data's list refers to it.
Result<PageData> plan(Capture& capture);

}  // namespace thaw::checkpoint
