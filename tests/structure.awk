# Says what is wrong with the sources, a line a finding: its kind, a tab, and what is where. tests/structure.sh runs this in the source
# directory over Makefile.am, which must be first, and all files of src/ and tests/. Variables: `ladder`, the folders from the lowest to the
# highest; `may_be_long`, the files that may have more than 500 lines.

BEGIN {
    height = split(ladder, folders)
    for (i = 1; i <= height; i++)
        rung[folders[i]] = i
    split(may_be_long, names)
    for (i in names)
        is_tolerated[names[i]] = 1
}

function found(kind, what) {
    print kind "\t" what
}

# src/base/mem.h and src/base/mem.c are one module, base/mem.
function module_of(file) {
    sub(/^src\//, "", file)
    sub(/\.[a-z]*$/, "", file)
    return file
}

function end_file() {
    if (file !~ /^src\//)
        return
    if (lines > 500 && !(file in is_tolerated))
        found("length", file " has " lines " lines")
    if (lines <= 500 && file in is_tolerated)
        found("length", file " has " lines " lines; take it off the list of long files")
    is_seen[file] = 1
}

function begin_file(   parts, part) {
    file = FILENAME
    if (file !~ /^src\//)
        return
    parts = split(file, part, "/")
    folder = parts == 3 ? part[2] : "main"
    name = part[parts]
    if (parts == 2 ? name != "main.c" : !(folder in rung))
        found("place", file " is in none of the folders")
    if (!(file in is_listed))
        found("listed", file " is not in Makefile.am")
}

# main.c stands above all folders.
function check_include(header,   part) {
    split(header, part, "/")
    if (!(part[1] in rung))
        found("ladder", file " includes " header ", which is in none of the folders")
    else if (folder in rung && rung[part[1]] > rung[folder])
        found("ladder", file " includes " header ", which is above it")
    else if (part[1] == folder && module_of(header) != module_of(file))
        edges[module_of(file)] = edges[module_of(file)] " " module_of(header)
}

# Follows the includes within a folder; one that leads back to a module on the way is a cycle.
function follow(module, way,   i, count, next_modules) {
    if (module in state) {
        if (state[module] == "on the way")
            found("cycle", way)
        return
    }
    state[module] = "on the way"
    count = split(edges[module], next_modules)
    for (i = 1; i <= count; i++)
        follow(next_modules[i], way " > " next_modules[i])
    state[module] = "done"
}

FILENAME ~ /Makefile\.am$/ {
    for (i = 1; i <= NF; i++)
        if ($i ~ /^src\//)
            is_listed[$i] = 1
    next
}

FNR == 1 {
    end_file()
    begin_file()
}

{
    lines = FNR
}

length($0) > 130 && file ~ /\.[ch]$/ {
    found("width", file ":" FNR " has " length($0) " columns")
}

file !~ /^src\// {
    next
}

/^#include "/ {
    split($0, quoted, "\"")
    check_include(quoted[2])
}

/(^|[^A-Za-z0-9_\/])stderr([^A-Za-z0-9_]|$)/ && !/\/\*/ && name !~ /^(diag\.[ch]|child\.h|supervise\.c|options\.def)$/ {
    found("stderr", file ":" FNR ": " $0)
}

/(^|[^A-Za-z0-9_])_?exit\(/ && name !~ /^(main|child|keeper|sandbox|open_apart|terminal)\.c$/ {
    found("exit", file ":" FNR ": " $0)
}

END {
    end_file()
    for (name in is_tolerated)
        if (!(name in is_seen))
            found("length", name " is not there; take it off the list of long files")
    for (module in edges)
        follow(module, module)
}
