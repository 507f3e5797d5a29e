#include "launch/fallback.h"

#include <cstdio>

#include "restorer/log.h"
#include "store/store.h"

namespace thaw::launch {

void tell_of_fallback(const ExecCall& call, const Error& reason) {
  if (reason.stale && call.from_store && !call.has_others)
    store::ask_for_rebuild(call.image, call.stores, reason.what());
  const char* next = call.fallback ? "; starting cold" : "";
  if (call.log >= restorer::kLogWarn || (!call.fallback && !call.has_others))
    fprintf(stderr, "thaw-exec: %s%s\n", reason.text().c_str(),
            call.has_others ? "; trying the next store" : next);
}

}  // namespace thaw::launch
