# The adapter for Java: an agent, and the classes of jdk.crac beside it. Where there is no JDK, thaw has none.
file(GLOB java_homes LIST_DIRECTORIES true $ENV{JAVA_HOME} /usr/lib/jvm/java-17-* /usr/lib/jvm/java-* /usr/lib/jvm/*)
set(java_includes ${java_homes})
list(TRANSFORM java_includes APPEND /include)
find_path(JNI_HEADERS jvmti.h PATHS ${java_includes} NO_DEFAULT_PATH NO_CMAKE_FIND_ROOT_PATH)
find_program(JAVAC javac NO_CMAKE_FIND_ROOT_PATH)
if(NOT JNI_HEADERS OR NOT JAVAC)
  message(STATUS "No adapter for Java: there is no JDK (Debian: openjdk-17-jdk-headless)")
  return()
endif()

file(GLOB java_adapter_sources CONFIGURE_DEPENDS adapters/java/*.cc)
add_library(thaw-java MODULE ${java_adapter_sources})
target_include_directories(thaw-java SYSTEM PRIVATE ${JNI_HEADERS} ${JNI_HEADERS}/linux)
target_compile_options(thaw-java PRIVATE -O2 -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti)
# An image has no use for a library that only this one needs.
target_link_options(thaw-java PRIVATE -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL -Wl,--no-undefined
  -Wl,-z,now)
set_target_properties(thaw-java PROPERTIES PREFIX "" OUTPUT_NAME thaw_java LIBRARY_OUTPUT_DIRECTORY ${output}/java)

file(GLOB crac_sources CONFIGURE_DEPENDS adapters/java/jdk/crac/*.java)
add_custom_command(
  OUTPUT ${output}/java/jdk/crac/Core.class
  COMMAND ${JAVAC} --release 11 -Xlint:all -Xlint:-options -Werror -d ${output}/java ${crac_sources}
  COMMAND ${CMAKE_COMMAND} -E touch ${output}/java/jdk/crac/Core.class
  DEPENDS ${crac_sources}
  COMMENT "Classes of jdk.crac"
  VERBATIM)
add_custom_target(thaw-java-classes ALL DEPENDS ${output}/java/jdk/crac/Core.class)
