// What Java draws random numbers with. All objects of a class are found by a walk over the heap.
#include <sys/random.h>

#include <array>

#include "adapters/java/cached.h"

namespace thaw::java {

namespace {

constexpr const char* kLong = "J";
constexpr size_t kHashSize = 20;  ///< of SHA-1
constexpr const char* kAtomic = "Ljava/util/concurrent/atomic/AtomicLong;";

void draw(void* to, size_t size) {
  if (getrandom(to, size, 0) != static_cast<ssize_t>(size)) abort();  // Up to 256 bytes never fail.
}

jlong fresh() {
  jlong number = 0;
  draw(&number, sizeof(number));
  return number;
}

struct Seeder {
  std::string_view type;
  const char* field;
};

/// What new generators get their seed from. The algorithms of jdk.random have one each.
constexpr std::array kSeeders = {
    Seeder{"Ljava/util/Random;", "seedUniquifier"},
    Seeder{"Ljava/util/concurrent/ThreadLocalRandom;", "seeder"},
    Seeder{"Ljava/util/SplittableRandom;", "defaultGen"},
};

bool is_algorithm(std::string_view type) {
  return type.starts_with("Ljdk/random/") || type.starts_with("Ljdk/internal/random/");
}

bool starts_with_one_of(std::string_view type, std::initializer_list<std::string_view> starts) {
  for (const std::string_view start : starts)
    if (type.starts_with(start)) return true;
  return false;
}

/// These draw from what is put right elsewhere, or hold no state.
bool is_front(std::string_view type) {
  return starts_with_one_of(
      type, {"Ljava/security/SecureRandom", "Ljava/util/concurrent/ThreadLocal",
             "Lsun/security/provider/DRBG", "Lsun/security/provider/NativePRNG",
             "Ljava/util/Random$", "Ljdk/internal/util/random/", "Ljava/util/SplittableRandom$"});
}

std::string readable(std::string type) {
  type = type.substr(1, type.size() - 2);
  for (char& c : type)
    if (c == '/') c = '.';
  return type;
}

}  // namespace

Generators::Generators(JNIEnv* env, const LoadedClasses& classes) {
  gaussian_ = field_of(env, core_class(env, "java/util/Random"), "haveNextNextGaussian", "Z");
  rmi_ids_ = classes.find("Ljava/rmi/server/UID;");
  if (rmi_ids_ != nullptr) rmi_set_ = static_field_of(env, rmi_ids_, "hostUniqueSet", "Z");
  add_seeders(env, classes);
  add_threads(env);

  // An environment of its own, since tags cost something at each collection until it is gone.
  JavaVM* vm = nullptr;
  jvmtiEnv* tags = nullptr;
  jvmtiCapabilities wanted = {};
  wanted.can_tag_objects = 1;
  env->GetJavaVM(&vm);
  if (vm->GetEnv(reinterpret_cast<void**>(&tags), JVMTI_VERSION_1_2) != JNI_OK) return;
  std::vector<Type> types = types_of(env, classes);
  if (tags->AddCapabilities(&wanted) == JVMTI_ERROR_NONE) add_objects(env, tags, types);
  tags->DisposeEnvironment();
  name_others(types);
}

void Generators::add_atomic(JNIEnv* env, jobject atomic) {
  jfieldID value =
      field_of(env, core_class(env, "java/util/concurrent/atomic/AtomicLong"), "value", kLong);
  if (atomic != nullptr && value != nullptr) seeds_.push_back({atomic, value});
}

void Generators::add_seeders(JNIEnv* env, const LoadedClasses& classes) {
  const auto add = [&](jclass in, const char* name) {
    jfieldID field = static_field_of(env, in, name, kAtomic);
    if (field != nullptr) add_atomic(env, env->GetStaticObjectField(in, field));
  };
  for (const Seeder& seeder : kSeeders)
    if (jclass in = classes.find(seeder.type)) add(in, seeder.field);
  for (const auto& one : classes.all())
    if (is_algorithm(one.type)) {
      add(one.object, "defaultGen");
      add(one.object, "DEFAULT_GEN");
    }
}

/// Each has a seed for ThreadLocalRandom, if it has a probe for it.
void Generators::add_threads(JNIEnv* env) {
  jclass thread = env->FindClass("java/lang/Thread");
  jfieldID seed = field_of(env, thread, "threadLocalRandomSeed", kLong);
  jfieldID probe = field_of(env, thread, "threadLocalRandomProbe", "I");
  jint count = 0;
  jthread* threads = nullptr;
  if (seed == nullptr || probe == nullptr ||
      jvmti->GetAllThreads(&count, &threads) != JVMTI_ERROR_NONE)
    return;
  for (jint i = 0; i < count; ++i)
    if (env->GetIntField(threads[i], probe) != 0) seeds_.push_back({threads[i], seed});
  jvmti->Deallocate(reinterpret_cast<unsigned char*>(threads));
}

std::vector<Generators::Type> Generators::types_of(JNIEnv* env, const LoadedClasses& classes) {
  jclass random = core_class(env, "java/util/Random");
  jclass spi = core_class(env, "java/security/SecureRandomSpi");
  jclass generator = core_class(env, "java/util/random/RandomGenerator");  // Since Java 17.
  jclass drbg = classes.find("Lsun/security/provider/AbstractDrbg;");
  const auto is = [env](jclass one, jclass of) {
    return of != nullptr && env->IsAssignableFrom(one, of) == JNI_TRUE;
  };
  const auto kind_of = [&](const LoadedClasses::One& one) {
    if (one.of_jdk && one.type == "Ljava/util/Random;") return Kind::random;
    if (one.of_jdk && one.type == "Ljava/util/SplittableRandom;") return Kind::splittable;
    if (one.of_jdk && one.type == "Lsun/security/provider/SecureRandom;") return Kind::sha1;
    if (one.of_jdk && one.type == "Lsun/security/provider/NativePRNG$RandomIO;")
      return Kind::native;
    return is(one.object, drbg) ? Kind::drbg : Kind::other;
  };
  std::vector<Type> types;
  for (const auto& one : classes.all()) {
    if (one.type[0] != 'L') continue;
    const Kind kind = kind_of(one);
    const bool draws = is(one.object, random) || is(one.object, spi) || is(one.object, generator);
    if (kind != Kind::other || (draws && !(one.of_jdk && is_front(one.type))))
      types.push_back({one.type, one.object, kind, 0});
  }
  return types;
}

namespace {

/// Tags: of the class at index i it is i + 1, of its objects that and this.
constexpr jlong kObject = jlong{1} << 32;

jint JNICALL tag_object(jvmtiHeapReferenceKind /* kind */, const jvmtiHeapReferenceInfo* /* info */,
                        jlong class_tag, jlong /* referrer's class */, jlong /* size */, jlong* tag,
                        jlong* /* referrer */, jint /* length */, void* /* data */) {
  if (class_tag != 0 && *tag == 0) *tag = class_tag + kObject;
  return JVMTI_VISIT_OBJECTS;
}

}  // namespace

void Generators::add_objects(JNIEnv* env, jvmtiEnv* tags, std::vector<Type>& types) {
  std::vector<jlong> wanted;
  for (size_t i = 0; i < types.size(); ++i) {
    const auto tag = static_cast<jlong>(i) + 1;
    if (tags->SetTag(types[i].object, tag) == JVMTI_ERROR_NONE) wanted.push_back(tag + kObject);
  }
  jvmtiHeapCallbacks callbacks = {};
  callbacks.heap_reference_callback = tag_object;
  jint count = 0;
  jobject* objects = nullptr;
  jlong* found = nullptr;
  if (wanted.empty() ||
      tags->FollowReferences(JVMTI_HEAP_FILTER_CLASS_UNTAGGED, nullptr, nullptr, &callbacks,
                             nullptr) != JVMTI_ERROR_NONE ||
      tags->GetObjectsWithTags(static_cast<jint>(wanted.size()), wanted.data(), &count, &objects,
                               &found) != JVMTI_ERROR_NONE)
    return;
  for (jint i = 0; i < count; ++i) {
    Type& type = types[static_cast<size_t>(found[i] - kObject - 1)];
    type.count++;
    add(env, objects[i], type);
  }
  tags->Deallocate(reinterpret_cast<unsigned char*>(objects));
  tags->Deallocate(reinterpret_cast<unsigned char*>(found));
}

/// By its fields: its methods take locks, and some open files.
void Generators::add(JNIEnv* env, jobject object, const Type& type) {
  const auto set_int = [&](const char* name, jint value) {
    jfieldID field = field_of(env, type.object, name, "I");
    if (field != nullptr) values_.push_back({object, field, value});
  };
  const auto field = [&](const char* name, const char* of) {
    return field_of(env, type.object, name, of);
  };
  switch (type.kind) {
    case Kind::random:
      if (jfieldID seed = field("seed", kAtomic))
        add_atomic(env, env->GetObjectField(object, seed));
      return gaussians_.push_back(object);
    case Kind::splittable:
      if (jfieldID seed = field("seed", kLong)) seeds_.push_back({object, seed});
      return;
    case Kind::native:  // Bytes of the kernel's that were read in advance.
      return set_int("buffered", 0);
    case Kind::sha1:  // Its state is a hash; before its first draw it has none.
      set_int("remCount", 0);
      if (jfieldID state = field("state", "[B")) hashes_.push_back({object, state});
      return;
    case Kind::drbg:  // It has overflown: the next draw seeds it from the kernel.
      return set_int("reseedCounter", -1);
    case Kind::other:
      return;
  }
}

void Generators::name_others(const std::vector<Type>& types) {
  for (const Type& type : types)
    if (type.kind == Kind::other && type.count > 0)
      others_ += (others_.empty() ? "" : ", ") + readable(type.type) + " (" +
                 std::to_string(type.count) + ")";
}

void Generators::renew(JNIEnv* env) const {
  for (const Seed& seed : seeds_) env->SetLongField(seed.object, seed.field, fresh());
  for (const Value& one : values_) env->SetIntField(one.object, one.field, one.value);
  if (gaussian_ != nullptr)
    for (jobject one : gaussians_) env->SetBooleanField(one, gaussian_, JNI_FALSE);
  for (const Seed& hash : hashes_) {
    auto state = static_cast<jbyteArray>(env->GetObjectField(hash.object, hash.field));
    if (state == nullptr) continue;
    std::array<jbyte, kHashSize> bytes = {};
    draw(bytes.data(), bytes.size());
    env->SetByteArrayRegion(state, 0, kHashSize, bytes.data());
  }
  if (rmi_set_ != nullptr) env->SetStaticBooleanField(rmi_ids_, rmi_set_, JNI_FALSE);
}

}  // namespace thaw::java
