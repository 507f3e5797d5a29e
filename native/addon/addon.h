// Glue between Node-API and the engine: each function here converts arguments, calls the engine and
// converts the answer.
#pragma once

#include <napi.h>

#include "arch/arch.h"
#include "support/result.h"

namespace thaw::addon {

/// A JavaScript Error with the engine's message; `code` is the errno's name, or where there is none, THAW_BY_CHANCE of what
/// another start of the app need not have, and THAW_REFUSED; `remedy` is there where the engine knows one.
Napi::Error to_js(Napi::Env env, const Error& error);

Napi::Value spawn(const Napi::CallbackInfo& info);
Napi::Value wait(const Napi::CallbackInfo& info);
Napi::Value end(const Napi::CallbackInfo& info);
Napi::Value exec(const Napi::CallbackInfo& info);
Napi::Value checkpoint(const Napi::CallbackInfo& info);
Napi::Value survey(const Napi::CallbackInfo& info);
Napi::Value show(const Napi::CallbackInfo& info);
Napi::Value stored_pages(const Napi::CallbackInfo& info);
Napi::Value verify(const Napi::CallbackInfo& info);
Napi::Value fault_recorder(const Napi::CallbackInfo& info);
Napi::Value working_set(const Napi::CallbackInfo& info);
Napi::Value set_working_set(const Napi::CallbackInfo& info);
Napi::Value input_watch(const Napi::CallbackInfo& info);
Napi::Value settle_inputs(const Napi::CallbackInfo& info);
Napi::Value sessions_at_rest(const Napi::CallbackInfo& info);
Napi::Value call_reached(const Napi::CallbackInfo& info);
Napi::Value doctor(const Napi::CallbackInfo& info);
Napi::Value check_kernel(const Napi::CallbackInfo& info);
Napi::Value check_process(const Napi::CallbackInfo& info);
Napi::Value vocabulary(const Napi::CallbackInfo& info);
Napi::Object store_layout(Napi::Env env);
Napi::Value own_stores(const Napi::CallbackInfo& info);
Napi::Value is_read_only(const Napi::CallbackInfo& info);
Napi::Value is_no_exec(const Napi::CallbackInfo& info);
Napi::Value launch_key(const Napi::CallbackInfo& info);
Napi::Value deaths(const Napi::CallbackInfo& info);
Napi::Value receive_datagram(const Napi::CallbackInfo& info);
Napi::Value send_datagram(const Napi::CallbackInfo& info);
Napi::Value find_bytes(const Napi::CallbackInfo& info);
Napi::Value known_root(const Napi::CallbackInfo& info);
Napi::Value enable_verity(const Napi::CallbackInfo& info);
Napi::Value measure_verity(const Napi::CallbackInfo& info);
Napi::Value machine(const Napi::CallbackInfo& info);
Napi::Value missing_features(const Napi::CallbackInfo& info);
Napi::Value build_id(const Napi::CallbackInfo& info);

/// Helpers on options objects.
std::string string_option(const Napi::Object& options, const char* name);
bool bool_option(const Napi::Object& options, const char* name);
/// An array's elements as text; none where it is not an array.
std::vector<std::string> strings_of(const Napi::Value& value);
std::vector<std::string> strings_option(const Napi::Object& options, const char* name);

/// In hexadecimal: a number without leading zeros, bytes with all of their digits.
std::string to_hex(uint64_t value);
std::string bytes_to_hex(std::string_view bytes);
/// The words of CPU features as text, each with a colon behind but the last; machine.cc reads it.
std::string feature_words(const arch::CpuFeatures& features);

}  // namespace thaw::addon
