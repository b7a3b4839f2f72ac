# Writes files as C: awk -f embed.awk FILE... > builtin.c
# Each is named by its last two path components, as in "probes/h2o.probes".
function quote(line) {
    gsub(/\\/, "&&", line)
    gsub(/"/, "\\\"", line)
    return line
}
BEGIN { print "/* Made by embed.awk from probes/ and templates/. */\n#include \"base/files.h\"\n\nconst struct file files_builtin[] = {" }
FNR == 1 {
    if (NR > 1)
        print "     )},"
    count = split(FILENAME, part, "/")
    print "    {\"" part[count - 1] "/" part[count] "\", FILES_TEXT("
}
{ print "     \"" quote($0) "\\n\"" }
END { print "     )},\n};\n\nconst size_t files_builtin_count = sizeof(files_builtin) / sizeof(files_builtin[0]);" }
