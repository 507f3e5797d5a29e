#include "launch/fallback.h"

#include <cstdio>

#include "restorer/log.h"
#include "store/store.h"

namespace thaw::launch {

void tell_of_fallback(const ExecCall& call, const Error& reason) {
  if (reason.stale && call.from_store) store::ask_for_rebuild(call.image, reason.what());
  if (call.log >= restorer::kLogWarn || !call.fallback)
    fprintf(stderr, "thaw-exec: %s%s\n", reason.text().c_str(),
            call.fallback ? "; starting cold" : "");
}

}  // namespace thaw::launch
