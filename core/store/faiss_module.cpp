#include "store/faiss_module.h"

#include "base/module.h"

namespace vecdb {

const Faiss& faiss_module() {
  using Get = const Faiss* (*)();
  static const Faiss& faiss = *reinterpret_cast<Get>(
      module_function("libvecdb_faiss_module.so", "vecdb_get_faiss"))();
  return faiss;
}

std::string faiss_version() { return faiss_module().version(); }

}  // namespace vecdb
