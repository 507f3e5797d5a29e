#include "fd/kind.h"

namespace thaw::fd {

model::Index Collector::object(model::ObjectKind kind, uint64_t id,
                               const std::function<Result<void>(model::Object&)>& make,
                               Result<void>& status) {
  for (model::Index i = 0; i < image.objects.size(); ++i)
    if (image.objects[i].kind == kind && image.objects[i].id == id) return i;
  model::Object object;
  object.kind = kind;
  object.id = id;
  status = make(object);
  return status.ok() ? image::Builder::add(image.objects, object) : model::kNone;
}

}  // namespace thaw::fd
