#include "addon/addon.h"

#include <charconv>
#include <cstring>

#include "arch/arch.h"

#ifndef THAW_VERSION
#define THAW_VERSION "0"
#endif

namespace thaw::addon {
namespace {

struct Function {
  const char* name;
  Napi::Value (*function)(const Napi::CallbackInfo&);
};

constexpr Function kFunctions[] = {
    {"spawn", spawn},
    {"wait", wait},
    {"end", end},
    {"exec", exec},
    {"checkpoint", checkpoint},
    {"survey", survey},
    {"show", show},
    {"storedPages", stored_pages},
    {"verify", verify},
    {"faultRecorder", fault_recorder},
    {"workingSet", working_set},
    {"setWorkingSet", set_working_set},
    {"inputWatch", input_watch},
    {"settleInputs", settle_inputs},
    {"sessionsAtRest", sessions_at_rest},
    {"callReached", call_reached},
    {"doctor", doctor},
    {"checkKernel", check_kernel},
    {"checkProcess", check_process},
    {"vocabulary", vocabulary},
    {"ownStores", own_stores},
    {"isReadOnly", is_read_only},
    {"isNoExec", is_no_exec},
    {"launchKey", launch_key},
    {"deaths", deaths},
    {"receiveDatagram", receive_datagram},
    {"sendDatagram", send_datagram},
    {"findBytes", find_bytes},
    {"knownRoot", known_root},
    {"enableVerity", enable_verity},
    {"measureVerity", measure_verity},
    {"machine", machine},
    {"missingFeatures", missing_features},
    {"buildId", build_id},
};

Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("version", THAW_VERSION);
  exports.Set("cpu", arch::kThisCpu.name);
  exports.Set("store", store_layout(env));
  for (const Function& f : kFunctions)
    exports.Set(f.name, Napi::Function::New(env, f.function, f.name));
  return exports;
}

}  // namespace

Napi::Error to_js(Napi::Env env, const Error& error) {
  Napi::Error js = Napi::Error::New(env, error.what());
  const char* name = error.err == 0 ? nullptr : strerrorname_np(error.err);
  if (name == nullptr) name = error.by_chance ? "THAW_BY_CHANCE" : "THAW_REFUSED";
  js.Set("code", name);
  if (!error.remedy.empty()) js.Set("remedy", error.remedy);
  return js;
}

std::string string_option(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  return value.IsString() ? value.As<Napi::String>().Utf8Value() : std::string();
}

bool bool_option(const Napi::Object& options, const char* name) {
  const Napi::Value value = options.Get(name);
  return value.IsBoolean() && value.As<Napi::Boolean>().Value();
}

std::vector<std::string> strings_of(const Napi::Value& value) {
  std::vector<std::string> strings;
  if (!value.IsArray()) return strings;
  const auto array = value.As<Napi::Array>();
  for (uint32_t i = 0; i < array.Length(); ++i)
    strings.push_back(array.Get(i).ToString().Utf8Value());
  return strings;
}

std::vector<std::string> strings_option(const Napi::Object& options, const char* name) {
  return strings_of(options.Get(name));
}

std::string to_hex(uint64_t value) {
  char text[17] = {};
  return {text, std::to_chars(text, text + sizeof(text), value, 16).ptr};
}

std::string bytes_to_hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char byte : bytes) {
    text += kDigits[static_cast<unsigned char>(byte) >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

NODE_API_MODULE(thaw, initialize)

}  // namespace thaw::addon
