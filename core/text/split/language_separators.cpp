#include "text/split/language_separators.h"

#include <algorithm>

namespace vecdb {

namespace {

// What follows the language's own: for most blank lines, lines, words, and then any two characters.
enum class Rest { k_lines, k_none };

struct Language {
  std::string_view name;
  Rest rest;
  std::vector<std::string_view> separators;
};

const std::vector<Language>& languages() {
  static const std::vector<Language> table{
      {"c",
       Rest::k_lines,
       {"\nclass ", "\nvoid ", "\nint ", "\nfloat ", "\ndouble ", "\nif ", "\nfor ", "\nwhile ",
        "\nswitch ", "\ncase "}},
      {"cobol",
       Rest::k_none,
       {"\nIDENTIFICATION DIVISION.",
        "\nENVIRONMENT DIVISION.",
        "\nDATA DIVISION.",
        "\nPROCEDURE DIVISION.",
        "\nWORKING-STORAGE SECTION.",
        "\nLINKAGE SECTION.",
        "\nFILE SECTION.",
        "\nINPUT-OUTPUT SECTION.",
        "\nOPEN ",
        "\nCLOSE ",
        "\nREAD ",
        "\nWRITE ",
        "\nIF ",
        "\nELSE ",
        "\nMOVE ",
        "\nPERFORM ",
        "\nUNTIL ",
        "\nVARYING ",
        "\nACCEPT ",
        "\nDISPLAY ",
        "\nSTOP RUN.",
        "\n",
        " ",
        ""}},
      {"cpp",
       Rest::k_lines,
       {"\nclass ", "\nvoid ", "\nint ", "\nfloat ", "\ndouble ", "\nif ", "\nfor ", "\nwhile ",
        "\nswitch ", "\ncase "}},
      {"csharp",
       Rest::k_lines,
       {"\ninterface ", "\nenum ",      "\ndelegate ", "\nevent ",  "\nclass ",   "\nabstract ",
        "\npublic ",    "\nprotected ", "\nprivate ",  "\nstatic ", "\nreturn ",  "\nif ",
        "\ncontinue ",  "\nfor ",       "\nforeach ",  "\nwhile ",  "\nswitch ",  "\nbreak ",
        "\ncase ",      "\nelse ",      "\ntry ",      "\nthrow ",  "\nfinally ", "\ncatch "}},
      {"elixir",
       Rest::k_lines,
       {"\ndef ", "\ndefp ", "\ndefmodule ", "\ndefprotocol ", "\ndefmacro ", "\ndefmacrop ",
        "\nif ", "\nunless ", "\ncase ", "\ncond ", "\nwith ", "\nfor ", "\ndo "}},
      {"go",
       Rest::k_lines,
       {"\nfunc ", "\nvar ", "\nconst ", "\ntype ", "\nif ", "\nfor ", "\nswitch ", "\ncase "}},
      {"haskell",
       Rest::k_lines,
       {"\nmain :: ", "\nmain = ",   "\nlet ",    "\nin ",        "\ndo ",
        "\nwhere ",   "\n:: ",       "\n= ",      "\ndata ",      "\nnewtype ",
        "\ntype ",    "\nmodule ",   "\nimport ", "\nqualified ", "\nimport qualified ",
        "\nclass ",   "\ninstance ", "\ncase ",   "\n| ",         "\n= {",
        "\n, "}},
      {"html", Rest::k_none, {"<body", "<div",   "<p",      "<br",   "<li",     "<h1",     "<h2",
                              "<h3",   "<h4",    "<h5",     "<h6",   "<span",   "<table",  "<tr",
                              "<td",   "<th",    "<ul",     "<ol",   "<header", "<footer", "<nav",
                              "<head", "<style", "<script", "<meta", "<title",  ""}},
      {"java",
       Rest::k_lines,
       {"\nclass ", "\npublic ", "\nprotected ", "\nprivate ", "\nstatic ", "\nif ", "\nfor ",
        "\nwhile ", "\nswitch ", "\ncase "}},
      {"js",
       Rest::k_lines,
       {"\nfunction ", "\nconst ", "\nlet ", "\nvar ", "\nclass ", "\nif ", "\nfor ", "\nwhile ",
        "\nswitch ", "\ncase ", "\ndefault "}},
      {"kotlin",
       Rest::k_lines,
       {"\nclass ", "\npublic ", "\nprotected ", "\nprivate ", "\ninternal ", "\ncompanion ",
        "\nfun ", "\nval ", "\nvar ", "\nif ", "\nfor ", "\nwhile ", "\nwhen ", "\nelse "}},
      {"latex",
       Rest::k_none,
       {"\n\\\\chapter{", "\n\\\\section{", "\n\\\\subsection{", "\n\\\\subsubsection{",
        "\n\\\\begin{enumerate}", "\n\\\\begin{itemize}", "\n\\\\begin{description}",
        "\n\\\\begin{list}", "\n\\\\begin{quote}", "\n\\\\begin{quotation}", "\n\\\\begin{verse}",
        "\n\\\\begin{verbatim}", "\n\\\\begin{align}", "$$", "$", " ", ""}},
      {"lua",
       Rest::k_lines,
       {"\nlocal ", "\nfunction ", "\nif ", "\nfor ", "\nwhile ", "\nrepeat "}},
      {"markdown", Rest::k_lines, {"\n#{1,6} ", "```\n", "\n\\*\\*\\*+\n", "\n---+\n", "\n___+\n"}},
      {"php",
       Rest::k_lines,
       {"\nfunction ", "\nclass ", "\nif ", "\nforeach ", "\nwhile ", "\ndo ", "\nswitch ",
        "\ncase "}},
      {"powershell",
       Rest::k_lines,
       {"\nfunction ", "\nparam ", "\nif ", "\nforeach ", "\nfor ", "\nwhile ", "\nswitch ",
        "\nclass ", "\ntry ", "\ncatch ", "\nfinally "}},
      {"proto",
       Rest::k_lines,
       {"\nmessage ", "\nservice ", "\nenum ", "\noption ", "\nimport ", "\nsyntax "}},
      {"python", Rest::k_lines, {"\nclass ", "\ndef ", "\n	def "}},
      {"r",
       Rest::k_lines,
       {"\nfunction ", "\nsetClass\\(", "\nsetMethod\\(", "\nsetGeneric\\(", "\nif ", "\nelse ",
        "\nfor ", "\nwhile ", "\nrepeat ", "\nlibrary\\(", "\nrequire\\("}},
      {"rst", Rest::k_lines, {"\n=+\n", "\n-+\n", "\n\\*+\n", "\n\n.. *\n\n"}},
      {"ruby",
       Rest::k_lines,
       {"\ndef ", "\nclass ", "\nif ", "\nunless ", "\nwhile ", "\nfor ", "\ndo ", "\nbegin ",
        "\nrescue "}},
      {"rust",
       Rest::k_lines,
       {"\nfn ", "\nconst ", "\nlet ", "\nif ", "\nwhile ", "\nfor ", "\nloop ", "\nmatch "}},
      {"scala",
       Rest::k_lines,
       {"\nclass ", "\nobject ", "\ndef ", "\nval ", "\nvar ", "\nif ", "\nfor ", "\nwhile ",
        "\nmatch ", "\ncase "}},
      {"sol",
       Rest::k_lines,
       {"\npragma ", "\nusing ", "\ncontract ", "\ninterface ", "\nlibrary ", "\nconstructor ",
        "\ntype ", "\nfunction ", "\nevent ", "\nmodifier ", "\nerror ", "\nstruct ", "\nenum ",
        "\nif ", "\nfor ", "\nwhile ", "\ndo while ", "\nassembly "}},
      {"swift",
       Rest::k_lines,
       {"\nfunc ", "\nclass ", "\nstruct ", "\nenum ", "\nif ", "\nfor ", "\nwhile ", "\ndo ",
        "\nswitch ", "\ncase "}},
      {"ts",
       Rest::k_lines,
       {"\nenum ", "\ninterface ", "\nnamespace ", "\ntype ", "\nclass ", "\nfunction ", "\nconst ",
        "\nlet ", "\nvar ", "\nif ", "\nfor ", "\nwhile ", "\nswitch ", "\ncase ", "\ndefault "}},
      {"visualbasic6",
       Rest::k_none,
       {"\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Sub\\s+",
        "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Function\\s+",
        "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Property\\s+(?:Get|Let|Set)\\s+",
        "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Type\\s+",
        "\\n(?!End\\s)(?:Public|Private|Friend|Global|Static)\\s+?Enum\\s+", "\\n(?!End\\s)If\\s+",
        "\\nElseIf\\s+", "\\nElse\\s+", "\\nSelect\\s+Case\\s+", "\\nCase\\s+", "\\nFor\\s+",
        "\\nDo\\s+", "\\nWhile\\s+", "\\nWith\\s+", "\\n\\n", "\\n", " ", ""}},
  };
  return table;
}

}  // namespace

std::vector<std::string> known_languages() {
  std::vector<std::string> names;
  for (const Language& language : languages()) names.emplace_back(language.name);
  return names;
}

std::vector<std::string> separators_of_language(std::string_view name) {
  const auto found = std::ranges::find(languages(), name, &Language::name);
  if (found == languages().end()) return {};
  std::vector<std::string> separators(found->separators.begin(), found->separators.end());
  if (found->rest == Rest::k_lines) {
    for (const char* each : {"\n\n", "\n", " ", ""}) separators.emplace_back(each);
  }
  return separators;
}

}  // namespace vecdb
