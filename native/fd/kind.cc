#include "fd/kind.h"

#include <algorithm>

namespace thaw::fd {

model::Index Collector::process_with(pid_t pid) const {
  const auto member = std::find(pids.begin(), pids.end(), pid);
  return member == pids.end() ? model::kNone : static_cast<model::Index>(member - pids.begin());
}

model::Index find_object(const image::Builder& image, model::ObjectKind kind, uint64_t id) {
  for (model::Index i = 0; i < image.objects.size(); ++i)
    if (image.objects[i].kind == kind && image.objects[i].id == id) return i;
  return model::kNone;
}

model::Index Collector::object(model::ObjectKind kind, uint64_t id,
                               const std::function<Result<void>(model::Object&)>& make,
                               Result<void>& status) {
  if (const model::Index known = find_object(image, kind, id); known != model::kNone) return known;
  model::Object object;
  object.kind = kind;
  object.id = id;
  status = make(object);
  return status.ok() ? image::Builder::add(image.objects, object) : model::kNone;
}

}  // namespace thaw::fd
