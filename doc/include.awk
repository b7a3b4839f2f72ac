# Puts the file `list` in the place of the line @LIST@.
/^@LIST@$/ {
    while ((getline line < list) > 0)
        print line
    next
}
{ print }
