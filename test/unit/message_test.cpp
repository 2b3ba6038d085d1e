#include <catch2/catch.hpp>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "serve/message.h"

using vecdb::Error;
using vecdb::message_of;
using vecdb::OpenSession;
using vecdb::Overflow;
using vecdb::read_open_session;

namespace {

OpenSession some_session() {
  OpenSession request;
  request.terms.arithmetic = {.program = "1 2 3", .level = "avx2", .environment = ""};
  request.terms.store = "a store";
  request.options.k = 7;
  request.options.min_score = -0.5;
  request.options.effort = {.lists = 3, .recall = 0.75};
  request.options.overflow = Overflow::k_mean;
  return request;
}

}  // namespace

TEST_CASE("what opens a session arrives as it was sent") {
  const OpenSession sent = some_session();
  const OpenSession read = read_open_session(message_of(sent));
  CHECK(read.terms.arithmetic == sent.terms.arithmetic);
  CHECK(read.terms.store == sent.terms.store);
  CHECK_FALSE(read.terms.precision);
  CHECK(read.options.k == 7);
  CHECK(read.options.min_score == -0.5);
  CHECK(read.options.effort.lists == 3U);
  CHECK(read.options.effort.recall == 0.75);
  CHECK(read.options.overflow == Overflow::k_mean);
}

TEST_CASE("a session that the search could not do is refused") {
  OpenSession request = some_session();
  SECTION("no passage") { request.options.k = 0; }
  SECTION("more than there can be") { request.options.k = std::numeric_limits<std::size_t>::max(); }
  SECTION("no list") { request.options.effort.lists = 0; }
  SECTION("more than all") { request.options.effort.recall = 1.5; }
  SECTION("cut in pieces") { request.options.overflow = Overflow::k_split; }
  SECTION("an overflow that is none") { request.options.overflow = static_cast<Overflow>(77); }
  CHECK_THROWS_AS(read_open_session(message_of(request)), Error);
}
