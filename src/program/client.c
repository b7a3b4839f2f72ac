#include "program/client.h"

static const char *
argument_of(const struct writer *writer, int field)
{
    return writer->arguments.expressions[writer->event->probe->fields[field].arg];
}

/* What is read in the connection, and is asked for. */
static int
put_connection(const struct writer *writer, const char *conn, struct outbuf *out)
{
    const struct request *request = writer->plan->request;
    struct member_reader reader = {.places = writer->plan->target->places, .names = writer->names, .mem = writer->mem};
    bool has_name = request_asks(request, "$sni");
    text_printf(&reader.statements, "    $quic = (uint64)%s;\n", conn);
    if (request_asks(request, "$address"))
        text_printf(&reader.statements, "    $address = %s;\n",
                    member_reader_address(&reader, STRUCTURES_QUIC_ADDRESS, "$quic"));
    if (has_name)
        text_printf(&reader.statements, "    $sni = %s;\n", member_reader_value(&reader, STRUCTURES_QUIC_SNI, "$quic"));
    text_put(out, (struct slice){reader.statements.ptr, reader.statements.len});
    text_free(&reader.statements);
    return has_name ? writer_expand(writer, out, "client-name.bt") : 0;
}

int
client_put(const struct writer *writer, struct outbuf *out)
{
    const char *where = writer->plan->request->where;
    int conn = writer->event->probe->field_of[CATALOG_QUIC_CONN], client = writer->event->probe->field_of[CATALOG_CLIENT];
    int status = 0;
    if (!request_chooses_clients(writer->plan->request))
        return 0;
    if (conn >= 0)
        status = put_connection(writer, argument_of(writer, conn), out);
    else
        text_printf(out, "    $address = (uint64)%s;\n", argument_of(writer, client));
    text_printf(out, "    if (!(%s)) { return; }\n", where);
    return status;
}
