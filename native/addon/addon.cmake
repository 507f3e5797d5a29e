# thaw.node: the engine as a Node-API addon. cmake-js gives CMAKE_JS_INC, node-addon-api its headers.
file(GLOB shim_blob_sources RELATIVE ${CMAKE_CURRENT_SOURCE_DIR} CONFIGURE_DEPENDS shim/blob/*.cc shim/blob/*.S ${arch}/park.S ${arch}/site.S)
flat_blob(shim ${shim_blob_sources} restorer/memory_functions.cc)
set_source_files_properties(shim/shim_blob.S PROPERTIES
  OBJECT_DEPENDS ${CMAKE_CURRENT_BINARY_DIR}/shim.bin
  COMPILE_OPTIONS "-I${CMAKE_CURRENT_BINARY_DIR}")

add_library(thaw-addon MODULE ${addon_sources} ${checkpoint_sources} ${shared_sources} ${arch_sources}
            shim/shim_blob.S restorer/blob.S)
target_include_directories(thaw-addon PRIVATE ${CMAKE_JS_INC} ${root}/node_modules/node-addon-api
                           ${root}/node_modules/node-api-headers/include)
target_compile_definitions(thaw-addon PRIVATE NAPI_VERSION=8 NODE_ADDON_API_CPP_EXCEPTIONS)
target_compile_options(thaw-addon PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-O2;-fPIC;-fvisibility=hidden>)
set_target_properties(thaw-addon PROPERTIES
  PREFIX "" OUTPUT_NAME thaw SUFFIX .node LIBRARY_OUTPUT_DIRECTORY ${output})
target_link_libraries(thaw-addon PRIVATE ${CMAKE_JS_LIB})
target_precompile_headers(thaw-addon PRIVATE $<$<COMPILE_LANGUAGE:CXX>:${precompiled}>)
