#include "base/error.h"

#include <cerrno>
#include <system_error>

namespace vecdb {

std::string last_system_error() { return std::generic_category().message(errno); }

}  // namespace vecdb
