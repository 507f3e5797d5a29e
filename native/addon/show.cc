// show(path): what the image holds, for `thaw show` (launcher/engine/image.ts).
#include <sys/stat.h>

#include <algorithm>

#include "addon/addon.h"
#include "arch/cpus.h"
#include "fd/kinds.h"
#include "image/input_rows.h"
#include "image/known_file.h"
#include "image/machine.h"
#include "image/view.h"
#include "launch/check/filter.h"
#include "policy/policy.h"

namespace thaw::addon {
namespace {

using image::View;
using Napi::Array;
using Napi::Object;

class Shower {
 public:
  Shower(Napi::Env env, const View& view) : env_(env), view_(view) {}

  Object run(const char* path) {
    Object result = Object::New(env_);
    result.Set("header", header());
    result.Set("requirements", requirements());
    result.Set("sizes", sizes(path));
    result.Set("workingSet", working_set());
    result.Set("processes", list(view_.processes(), [this](const auto& p) { return process(p); }));
    result.Set("inputs", inputs());
    result.Set("files", list(view_.files(), [this](const auto& f) { return file(f); }));
    result.Set("calls", calls());
    return result;
  }

 private:
  Array calls() {
    Array names = Array::New(env_);
    launch::each_call(&view_,
                      [&](const char*, const char* name) { names.Set(names.Length(), name); });
    return names;
  }
  template <typename T, typename F>
  Array list(std::span<const T> table, F&& row) {
    Array rows = Array::New(env_, table.size());
    uint32_t i = 0;
    for (const T& record : table) rows.Set(i++, row(record));
    return rows;
  }
  Napi::String text(std::string_view bytes) {
    return Napi::String::New(env_, bytes.data(), bytes.size());
  }
  Napi::String text(model::Blob blob) { return text(view_.bytes(blob)); }
  Napi::String hex(uint64_t value) { return Napi::String::New(env_, to_hex(value)); }
  Array strings(model::Blob blob) {
    Array array = Array::New(env_);
    std::string_view rest = view_.bytes(blob);
    for (uint32_t i = 0; !rest.empty(); ++i) {
      const std::string_view one = rest.substr(0, rest.find('\0'));
      array.Set(i, Napi::String::New(env_, one.data(), one.size()));
      rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    }
    return array;
  }

  Object header() {
    const image::Header& h = view_.header();
    Object o = Object::New(env_);
    std::string id;
    for (const uint8_t byte : h.id) {
      char two[3];
      snprintf(two, sizeof(two), "%02x", byte);
      id += two;
    }
    o.Set("id", id);
    o.Set("version", h.version);
    const arch::Cpu* cpu = arch::cpu(h.cpu);
    o.Set("cpu", cpu == nullptr ? "?" : cpu->name);
    o.Set("pageSize", h.page_size);
    o.Set("layouts", h.layouts);
    o.Set("size", sizeof(h));
    o.Set("metadataOffset", static_cast<double>(h.metadata_offset));
    o.Set("fileSize", static_cast<double>(h.file_size));
    return o;
  }

  Object requirements() {
    const model::Requirements& r = view_.requirements_record();
    Object o = Object::New(env_);
    o.Set("program", text(r.program));
    o.Set("arguments", strings(r.arguments));
    o.Set("environment", strings(r.environment));
    constexpr const char* kRules[] = {"image", "all", "looked up", "deliver"};
    o.Set("environmentRule", kRules[static_cast<uint32_t>(r.environment_rule)]);
    o.Set("inputs", strings(r.inputs));
    o.Set("ignoredVariables", strings(r.ignored));
    o.Set("ownVariables", strings(r.own));
    o.Set("delivers", r.environ_address != 0);
    o.Set("profile", text(r.profile));
    o.Set("folder", text(r.folder));
    o.Set("kernel", text(r.kernel));
    o.Set("user", r.euid);
    o.Set("group", r.egid);
    o.Set("securityLabel", text(r.security_label));
    o.Set("clocks", r.clocks_jump != 0 ? "jump" : "continue");
    o.Set("madeAtMs", static_cast<double>(r.realtime_ns / 1'000'000));
    o.Set("monotonicNs", static_cast<double>(r.monotonic_ns));
    o.Set("boottimeNs", static_cast<double>(r.boottime_ns));
    arch::CpuFeatures needed;
    std::copy(std::begin(r.cpu_features), std::end(r.cpu_features), needed.words);
    const arch::Cpu* cpu = arch::cpu(view_.header().cpu);
    o.Set("guardTries", r.guard_tries);
    o.Set("guardWithinMs", r.guard_within_ms);
    o.Set("inputsWatched", r.watched != 0);
    o.Set("machine", machine(r));
    o.Set("rootIdentity", text(r.root.file));
    o.Set("rootContent", r.root.file.size == 0 ? "" : to_hex(r.root.content));
    o.Set("cpuFeatures", cpu == nullptr ? "" : cpu->missing_features(needed, {}));
    o.Set("cpuFeatureWords", feature_words(needed));
    return o;
  }

  /// What of it was asked for.
  Napi::Array machine(const model::Requirements& r) {
    Napi::Array rows = Napi::Array::New(env_);
    for (uint32_t i = 0; i < model::kMachineInputs; ++i) {
      if ((r.machine.asked & 1u << i) == 0) continue;
      const auto& [key, what, unit] = image::kMachineWords[i];
      Object row = Object::New(env_);
      row.Set("key", key);
      row.Set("what", what);
      row.Set("value", static_cast<model::MachineInput>(i) == model::MachineInput::host_name
                           ? std::string(view_.bytes(r.host_name))
                           : std::to_string(r.machine.values[i]) + unit);
      rows.Set(rows.Length(), row);
    }
    return rows;
  }

  Object sizes(const char* path) {
    Object o = Object::New(env_);
    const image::Header& h = view_.header();
    struct stat status = {};
    stat(path, &status);
    double pages = 0;
    for (const model::Mapping& m : view_.mappings()) pages += m.stored_pages;
    o.Set("file", static_cast<double>(h.file_size));
    o.Set("onDisk", static_cast<double>(status.st_blocks) * 512);
    o.Set("metadata", static_cast<double>(h.metadata_size));
    o.Set("storedPages", pages);
    o.Set("stored", pages * h.page_size);
    o.Set("operations", static_cast<double>(view_.ops().size()));
    return o;
  }

  Object working_set() {
    double read = 0, written = 0;
    auto runs = Array::New(env_);
    for (const model::FeedRun& run : view_.feed_runs()) {
      const auto pages = static_cast<double>(run.size / view_.header().page_size);
      (run.written != 0 ? written : read) += pages;
      Object o = Object::New(env_);
      o.Set("address", hex(run.address));
      o.Set("pages", pages);
      o.Set("written", run.written != 0);
      runs.Set(runs.Length(), o);
    }
    Object o = Object::New(env_);
    o.Set("readPages", read);
    o.Set("writtenPages", written);
    o.Set("runs", runs);
    return o;
  }

  Object process(const model::Process& p) {
    Object o = Object::New(env_);
    o.Set("pid", p.pid);
    kinship(p, o);
    o.Set("cwd", text(p.cwd));
    o.Set("cwdMoved", (p.flags & model::kCwdMoved) != 0);
    o.Set("guards", (p.flags & model::kShimGuards) != 0);
    o.Set("keepsPid", (p.flags & model::kKeepPid) != 0);
    o.Set("pidNamespace", (p.flags & model::kPidNamespace) != 0);
    o.Set("userNamespace", (p.flags & model::kUserNamespace) != 0);
    o.Set("threads", list(View::part(view_.threads(), p.threads),
                          [this](const auto& t) { return thread(t); }));
    o.Set("mappings", list(View::part(view_.mappings(), p.mappings),
                           [this](const auto& m) { return mapping(m); }));
    o.Set("descriptors",
          list(View::part(view_.fds(), p.fds), [this](const auto& f) { return descriptor(f); }));
    o.Set("timers", list(View::part(view_.posix_timers(), p.timers),
                         [this](const auto& t) { return timer(t); }));
    o.Set("ids", list(View::part(view_.id_patches(), p.id_patches),
                      [this](const auto& patch) { return id_patch(patch); }));
    o.Set("idNotices", list(View::part(view_.id_notices(), p.id_notices),
                            [this](const auto& notice) { return id_notice(notice); }));
    o.Set("modeCopies", list(View::part(view_.mode_copies(), p.mode_copies),
                             [this](const auto& copy) { return mode_copy(copy); }));
    o.Set("signalActions", p.sigactions.count);
    o.Set("pendingSignals", p.pending.count);
    return o;
  }

  Napi::Value member(model::Index index) {
    return index == model::kNone ? env_.Null() : Napi::Number::New(env_, index);
  }

  void kinship(const model::Process& p, Object& o) {
    static constexpr const char* kStates[] = {"runs", "stopped", "zombie"};
    const auto threads = View::part(view_.threads(), p.threads);
    o.Set("name", threads.empty() ? "?" : std::string(threads[0].comm));
    o.Set("program", p.program_file == model::kNone
                         ? (p.parent == model::kNone ? text(view_.requirements_record().program)
                                                     : Napi::String::New(env_, ""))
                         : text(view_.files()[p.program_file].path));
    o.Set("state", kStates[static_cast<uint32_t>(p.state) % std::size(kStates)]);
    o.Set("exitStatus", p.exit_status);
    o.Set("exitSignal", p.exit_signal);
    o.Set("parent", member(p.parent));
    o.Set("session", member(p.session));
    o.Set("group", member(p.process_group));
  }

  Object thread(const model::Thread& t) {
    Object o = Object::New(env_);
    o.Set("tid", t.tid);
    o.Set("name", t.comm);
    o.Set("policy", t.policy);
    o.Set("nice", t.nice);
    o.Set("rseq", t.rseq_address != 0);
    o.Set("pendingSignals", t.pending.count);
    return o;
  }

  Object mapping(const model::Mapping& m) {
    static constexpr const char* kKinds[] = {"?",     "anonymous", "file", "shared memory",
                                             "stack", "vdso",      "vvar", "special"};
    Object o = Object::New(env_);
    o.Set("start", hex(m.start));
    o.Set("end", hex(m.end));
    o.Set("size", static_cast<double>(m.end - m.start));
    const char prot[] = {(m.prot & 1) != 0 ? 'r' : '-', (m.prot & 2) != 0 ? 'w' : '-',
                         (m.prot & 4) != 0 ? 'x' : '-', m.shared != 0 ? 's' : 'p', 0};
    o.Set("prot", prot);
    o.Set("kind", kKinds[static_cast<uint32_t>(m.kind) % std::size(kKinds)]);
    o.Set("name", text(m.name));
    o.Set("storedPages", m.stored_pages);
    o.Set("note", text(m.note));
    return o;
  }

  Object descriptor(const model::Fd& f) {
    Object o = Object::New(env_);
    o.Set("number", f.number);
    o.Set("closeOnExec", f.close_on_exec != 0);
    if (f.open_file == model::kNone) {
      o.Set("kind", "inherited");
      o.Set("note", "the caller's " + std::to_string(f.inherit));
      return o;
    }
    const model::OpenFile& file = view_.open_files()[f.open_file];
    const fd::Kind* kind = fd::find_kind(file.kind);
    const auto action = static_cast<policy::Action>(file.action);
    o.Set("kind", kind == nullptr ? "?" : kind->name);
    o.Set("openFile", f.open_file);
    o.Set("position", static_cast<double>(file.position));
    o.Set("policy",
          action == policy::Action::error ? "" : std::string(policy::action_name(action)));
    o.Set("note", text(file.note));
    return o;
  }

  Object timer(const model::PosixTimer& t) {
    Object o = Object::New(env_);
    o.Set("id", t.id);
    o.Set("clock", static_cast<int32_t>(t.clock));
    o.Set("remainingMs", static_cast<double>(t.value_ns) / 1e6);
    o.Set("intervalMs", static_cast<double>(t.interval_ns) / 1e6);
    return o;
  }

  static const char* form_name(model::IdForm form) {
    static constexpr const char* kForms[] = {"?",    "word",     "futex",           "fixnum",
                                             "smi",  "real",     "clock",           "tagged",
                                             "text", "pid file", "written pid file"};
    return kForms[static_cast<uint32_t>(form) % std::size(kForms)];
  }

  Object id_patch(const model::IdPatch& patch) {
    Object o = Object::New(env_);
    o.Set("address", hex(patch.address));
    o.Set("tid", view_.threads()[patch.thread].tid);
    o.Set("form", form_name(patch.form));
    return o;
  }

  Object mode_copy(const model::ModeCopy& copy) {
    Object o = Object::New(env_);
    o.Set("address", hex(copy.address));
    o.Set("of", copy.of == model::ModeCopyOf::start ? "caller" : "app");
    return o;
  }

  Object id_notice(const model::IdNotice& notice) {
    Object o = Object::New(env_);
    o.Set("address", hex(notice.address));
    o.Set("form", form_name(notice.form));
    o.Set("count", notice.count);
    o.Set("text", text(notice.text));
    return o;
  }

  /// Whether each launch has to read it to know that it is the same.
  bool is_read(const model::Input& i) {
    if ((i.flags & model::kInputReadAlways) != 0) return true;
    if (i.kind != model::InputKind::file || (i.flags & model::kInputNoChangeTime) == 0)
      return false;
    if (i.content == 0 || (i.flags & model::kInputOnRoot) != 0) return false;
    return image::file_with_build_id(view_, i) == nullptr;
  }

  Array inputs() {
    const image::InputRows rows(view_);
    Array all = Array::New(env_, rows.size());
    for (uint32_t i = 0; i < rows.size(); ++i) all.Set(i, input(rows[i]));
    return all;
  }

  Object input(const model::Input& i) {
    static constexpr const char* kKinds[] = {"?",    "file",   "directory", "modules",
                                             "link", "exists", "missing"};
    Object o = Object::New(env_);
    o.Set("path", text(view_.path_of(i)));
    o.Set("kind", kKinds[static_cast<uint32_t>(i.kind) % std::size(kKinds)]);
    o.Set("size", static_cast<double>(i.size));
    o.Set("written", (i.flags & model::kInputWritten) != 0);
    o.Set("onRoot", (i.flags & model::kInputOnRoot) != 0);
    o.Set("read", is_read(i));
    return o;
  }

  Object file(const model::File& f) {
    Object o = Object::New(env_);
    o.Set("path", text(f.path));
    o.Set("size", static_cast<double>(f.size));
    o.Set("mtimeMs", static_cast<double>(f.mtime_ns / 1'000'000));
    o.Set("mapped", (f.flags & model::kFileMapped) != 0);
    o.Set("keptOpen", (f.flags & model::kFileKeptOpen) != 0);
    o.Set("program", (f.flags & model::kFileProgram) != 0);
    o.Set("buildId", bytes_to_hex(view_.bytes(f.build_id)));
    return o;
  }

  Napi::Env env_;
  const View& view_;
};

}  // namespace

Napi::Value show(const Napi::CallbackInfo& info) {
  const std::string path = info[0].ToString();
  auto view = View::open(path.c_str());
  if (!view) throw to_js(info.Env(), view.error());
  return Shower(info.Env(), view.value()).run(path.c_str());
}

}  // namespace thaw::addon
