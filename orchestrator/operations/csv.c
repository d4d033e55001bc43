#include "orchestrator/operations/csv.h"

void csv_add(TextBuilder *builder, Text text, bool for_spreadsheet) {
        text_add_char(builder, '"');
        if (for_spreadsheet && text.length > 0 && strchr("=+-@\t\r", text.bytes[0]))
                text_add_char(builder, '\'');
        for (size_t i = 0; i < text.length; i++) {
                if (text.bytes[i] == '"')
                        text_add_char(builder, '"');
                text_add_char(builder, text.bytes[i]);
        }
        text_add_char(builder, '"');
}
