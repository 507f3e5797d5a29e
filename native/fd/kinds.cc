// The table of descriptor kinds, and what all of them share at checkpoint.
#include "fd/kind.h"
#include "support/file.h"

namespace thaw::fd {

std::span<const Kind> kinds() {
  // First match wins: the kinds that look at flags or names stand before those that look at file
  // types only.
  static const Kind table[] = {
      kPathOnly,   kMemfd,     kDeletedFile, kRegularFile, kDirectory,       kDevice,  kPipe,
      kFifo,       kEventfd,   kEpoll,       kTimerfd,     kSignalfd,        kInotify, kUnixPair,
      kUnixListen, kTcpListen, kUdp,         kNetlink,     kConnectedSocket, kRefused,
  };
  return table;
}

std::string describe(const Probe& probe) {
  return "descriptor " + std::to_string(probe.number) + " (" + probe.link + ")";
}

Error refuse(const Probe& probe, std::string_view why, std::string_view remedy) {
  std::string message = describe(probe);
  message += ' ';
  message += why;
  return Error{0, std::move(message), std::string(remedy)};
}

std::string_view fdinfo_value(const Probe& probe, std::string_view key) {
  return line_value(probe.fdinfo, std::string(key) + ':');
}

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
