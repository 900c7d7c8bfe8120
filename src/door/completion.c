/* Completion scripts for three shells, made from the tables. Package names are asked for when they
 * are needed, by `omg __names PREFIX`, and never pass through a shell's expansion. */
#include "base/settings.h"
#include "door/commands.h"

typedef void command_use(struct buf *out, const struct command *command);

static void each_command(struct buf *out, command_use *use)
{
    struct command command;
    for (size_t i = 0; command_at(i, &command); i++)
        if (*command.help && command.group != GROUP_SHELL) use(out, &command);
}

static void put(struct buf *out, const char *text)
{
    buf_str(out, str_of(text));
}

/* Text inside single quotes; bracketed: inside [ ] of a zsh specification. */
static void put_quoted(struct buf *out, const char *text, bool bracketed)
{
    for (; *text; text++) {
        if (*text == '\'') put(out, "'\\''");
        else if (bracketed && strchr("[]:\\", *text)) buf_print(out, "\\%c", *text);
        else buf_byte(out, *text);
    }
}

static void put_words(struct buf *out, struct str words)
{
    for (size_t i = 0; i < words.len; i++) buf_byte(out, words.at[i] == '|' ? ' ' : words.at[i]);
}

static bool is_option_of(const struct option_row *row, const struct command *command)
{
    return str_eq(str_of(row->command), str_of(command->name));
}

static void put_field_name(struct buf *out, const struct field *f)
{
    for (const char *at = f->name; *at; at++) buf_byte(out, *at == '_' ? '-' : *at);
}

/* An option that several operations have is said once. */
static bool said_before(enum op op, const struct field *f)
{
    for (enum op o = 0; o < op; o++) {
        if (!op_in_words(o)) continue;
        const struct shape *shape = shape_of(op_row(o)->request);
        for (size_t i = 0; i < shape->count; i++)
            if (shape->fields[i].many == MANY_opt &&
                str_eq(str_of(shape->fields[i].name), str_of(f->name)))
                return true;
    }
    return false;
}

/* What the value of an option is on disk. */
enum place { PLACE_NONE, PLACE_FOLDER, PLACE_FILE };
static enum place place_of(const struct option_row *row)
{
    struct str value = str_of(row->value);
    return str_eq(value, S("DIR"))    ? PLACE_FOLDER
           : str_eq(value, S("PATH")) ? PLACE_FILE
                                      : PLACE_NONE;
}

static void name_word(struct buf *out, const struct command *command)
{
    put(out, " ");
    put(out, command->name);
}

static void package_word(struct buf *out, const struct command *command)
{
    if (command_takes_packages(command)) name_word(out, command);
}

/* --- bash -------------------------------------------------------------------------------- */

static void bash_options(struct buf *out, const struct command *command)
{
    for (enum option o = 0; o < OPTION_COUNT; o++)
        if (is_option_of(option_row(o), command))
            buf_print(out, "    %s) words+=' --%s' ;;\n", command->name, option_row(o)->name);
    if (command->op == OP_COUNT) return;
    const struct shape *shape = shape_of(op_row(command->op)->request);
    for (size_t i = 0; i < shape->count; i++) {
        if (shape->fields[i].many != MANY_opt) continue;
        buf_print(out, "    %s) words+=' --", command->name);
        put_field_name(out, &shape->fields[i]);
        put(out, "' ;;\n");
    }
}

static void bash_values(struct buf *out)
{
    for (enum option o = 0; o < OPTION_COUNT; o++) {
        const struct option_row *row = option_row(o);
        if (!*row->value) continue;
        buf_print(out, "    --%s) ", row->name);
        if (*row->words) {
            put(out, "mapfile -t COMPREPLY < <(compgen -W '");
            put_words(out, str_of(row->words));
            put(out, "' -- \"$cur\"); ");
        } else if (place_of(row) != PLACE_NONE) {
            buf_print(out, "mapfile -t COMPREPLY < <(compgen -%c -- \"$cur\"); ",
                      place_of(row) == PLACE_FOLDER ? 'd' : 'f');
        }
        put(out, "return ;;\n");
    }
    for (enum op op = 0; op < OP_COUNT; op++) {
        if (!op_in_words(op)) continue;
        const struct shape *shape = shape_of(op_row(op)->request);
        for (size_t i = 0; i < shape->count; i++) {
            const struct field *f = &shape->fields[i];
            if (f->many != MANY_opt || f->type == TYPE_bool || said_before(op, f)) continue;
            put(out, "    --");
            put_field_name(out, f);
            put(out, ") return ;;\n");
        }
    }
}

/* The options that take a value, as a pattern. */
static void bash_valued(struct buf *out)
{
    const char *bar = "";
    for (enum option o = 0; o < OPTION_COUNT; o++) {
        if (!*option_row(o)->value) continue;
        buf_print(out, "%s--%s", bar, option_row(o)->name);
        bar = "|";
    }
    for (enum op op = 0; op < OP_COUNT; op++) {
        if (!op_in_words(op)) continue;
        const struct shape *shape = shape_of(op_row(op)->request);
        for (size_t i = 0; i < shape->count; i++) {
            const struct field *f = &shape->fields[i];
            if (f->many != MANY_opt || f->type == TYPE_bool || said_before(op, f)) continue;
            put(out, "|--");
            put_field_name(out, f);
        }
    }
}

static void bash_case(struct buf *out, const struct command *command)
{
    if (!command_takes_packages(command)) return;
    put(out, out->at[out->len - 1] == '\n' ? "    " : "|");
    put(out, command->name);
}

static void bash_words(struct buf *out, const struct command *command)
{
    if (!command_words(command).len) return;
    buf_print(out, "    %s) mapfile -t COMPREPLY < <(compgen -W '", command->name);
    put_words(out, command_words(command));
    put(out, "' -- \"$cur\") ;;\n");
}

static void bash_script(struct buf *out)
{
    put(out, "# bash completion for omg\n"
             "_omg() {\n"
             "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
             "    local command='' skip='' stem='' word i words\n"
             "    COMPREPLY=()\n"
             "    # bash parts words at '=' and ':'\n"
             "    if [[ $cur == '=' ]]; then cur=\n"
             "    elif [[ $prev == '=' ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
             "    if [[ $cur == ':' ]]; then stem=$prev: cur=\n"
             "    elif [[ $prev == ':' ]]; then stem=${COMP_WORDS[COMP_CWORD-2]}:; fi\n"
             "    case $prev in\n");
    bash_values(out);
    put(out, "    esac\n"
             "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
             "        word=${COMP_WORDS[i]}\n"
             "        if [[ -n $skip ]]; then [[ $word == '=' ]] || skip=; continue; fi\n"
             "        case $word in\n"
             "        ");
    bash_valued(out);
    put(out, ") skip=1 ;;\n"
             "        -*) ;;\n"
             "        *) command=$word; break ;;\n"
             "        esac\n"
             "    done\n"
             "    words='");
    for (enum option o = 0; o < OPTION_COUNT; o++)
        if (!*option_row(o)->command) buf_print(out, " --%s", option_row(o)->name);
    put(out, "'\n    case $command in\n");
    each_command(out, bash_options);
    put(out, "    esac\n"
             "    case $cur in\n"
             "    -*) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\"); return ;;\n"
             "    esac\n"
             "    words='");
    each_command(out, name_word);
    put(out, "'\n    case $command in\n"
             "    ''|help) mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\") ;;\n");
    each_command(out, bash_words);
    each_command(out, bash_case);
    put(out, ")\n"
             "        mapfile -t COMPREPLY < <(omg __names -- \"$stem$cur\" 2>/dev/null)\n"
             "        COMPREPLY=(\"${COMPREPLY[@]#\"$stem\"}\") ;;\n"
             "    esac\n"
             "}\n"
             "complete -F _omg omg\n");
}

/* --- zsh --------------------------------------------------------------------------------- */

static void zsh_option(struct buf *out, const struct option_row *row)
{
    put(out, "        ");
    if (row->letter) buf_print(out, "'*'{-%c,--%s}'[", row->letter, row->name);
    else buf_print(out, "'--%s%s[", row->name, *row->value ? "=" : "");
    put_quoted(out, row->help, true);
    put(out, "]");
    if (*row->value) buf_print(out, ":%s:", row->value);
    if (*row->words) {
        put(out, "(");
        put_words(out, str_of(row->words));
        put(out, ")");
    } else if (*row->value) {
        static const char *const files[] = { " ", "_files -/", "_files" };
        put(out, files[place_of(row)]);
    }
    put(out, "' \\\n");
}

static void zsh_fields(struct buf *out)
{
    for (enum op op = 0; op < OP_COUNT; op++) {
        if (!op_in_words(op)) continue;
        const struct shape *shape = shape_of(op_row(op)->request);
        for (size_t i = 0; i < shape->count; i++) {
            const struct field *f = &shape->fields[i];
            if (f->many != MANY_opt || said_before(op, f)) continue;
            put(out, "        '--");
            put_field_name(out, f);
            put(out, f->type == TYPE_bool ? "[" : "=[");
            put_quoted(out, f->help, true);
            put(out, f->type == TYPE_bool ? "]' \\\n" : "]:value: ' \\\n");
        }
    }
}

static void zsh_command(struct buf *out, const struct command *command)
{
    put(out, "        '");
    put(out, command->name);
    put(out, ":");
    put_quoted(out, command->help, false);
    put(out, "'\n");
}

static void zsh_words(struct buf *out, const struct command *command)
{
    if (!command_words(command).len) return;
    buf_print(out, "        %s) compadd ", command->name);
    put_words(out, command_words(command));
    put(out, " ;;\n");
}

static void zsh_script(struct buf *out)
{
    put(out, "#compdef omg\n"
             "_omg() {\n"
             "    local curcontext=$curcontext state line\n"
             "    local -a commands names\n"
             "    commands=(\n");
    each_command(out, zsh_command);
    put(out, "    )\n"
             "    _arguments -C \\\n");
    for (enum option o = 0; o < OPTION_COUNT; o++) zsh_option(out, option_row(o));
    zsh_fields(out);
    put(out, "        '1:command:->command' '*:operand:->operand' && return\n"
             "    case $state in\n"
             "    command) _describe -t commands 'command' commands ;;\n"
             "    operand)\n"
             "        case $line[1] in\n"
             "        help) _describe -t commands 'command' commands ;;\n");
    each_command(out, zsh_words);
    each_command(out, bash_case);
    put(out, ")\n"
             "            names=(\"${(@f)$(omg __names -- \"$PREFIX\" 2>/dev/null)}\")\n"
             "            compadd -a names ;;\n"
             "        esac ;;\n"
             "    esac\n"
             "}\n"
             "if [[ ${funcstack[1]} == _omg ]]; then _omg \"$@\"; else compdef _omg omg; fi\n");
}

/* --- fish -------------------------------------------------------------------------------- */

static void fish_command(struct buf *out, const struct command *command)
{
    buf_print(out, "complete -c omg -n __fish_use_subcommand -a %s -d '", command->name);
    put_quoted(out, command->help, false);
    put(out, "'\n");
    if (command_words(command).len) {
        buf_print(out, "complete -c omg -n '__fish_seen_subcommand_from %s' -a '", command->name);
        put_words(out, command_words(command));
        put(out, "'\n");
    }
    if (command->op == OP_COUNT) return;
    const struct shape *shape = shape_of(op_row(command->op)->request);
    for (size_t i = 0; i < shape->count; i++) {
        const struct field *f = &shape->fields[i];
        if (f->many != MANY_opt) continue;
        buf_print(out, "complete -c omg -n '__fish_seen_subcommand_from %s' -l ", command->name);
        put_field_name(out, f);
        put(out, f->type == TYPE_bool ? " -d '" : " -x -d '");
        put_quoted(out, f->help, false);
        put(out, "'\n");
    }
}

static void fish_option(struct buf *out, const struct option_row *row)
{
    put(out, "complete -c omg");
    if (*row->command) buf_print(out, " -n '__fish_seen_subcommand_from %s'", row->command);
    buf_print(out, " -l %s", row->name);
    if (row->letter) buf_print(out, " -s %c", row->letter);
    if (*row->words) {
        put(out, " -x -a '");
        put_words(out, str_of(row->words));
        put(out, "'");
    } else if (*row->value) {
        static const char *const files[] = { " -x", " -x -a '(__fish_complete_directories)'",
                                             " -r -F" };
        put(out, files[place_of(row)]);
    }
    put(out, " -d '");
    put_quoted(out, row->help, false);
    put(out, "'\n");
}

static void fish_script(struct buf *out)
{
    put(out, "# fish completion for omg\ncomplete -c omg -f\n");
    for (enum option o = 0; o < OPTION_COUNT; o++) fish_option(out, option_row(o));
    each_command(out, fish_command);
    put(out, "complete -c omg -n '__fish_seen_subcommand_from help' -a '");
    each_command(out, name_word);
    put(out, "'\ncomplete -c omg -n '__fish_seen_subcommand_from");
    each_command(out, package_word);
    put(out, "' -a '(omg __names -- (commandline -ct) 2>/dev/null)'\n");
}

/* --- the command ------------------------------------------------------------------------- */

int completion_main(struct cli *c, const struct command *command)
{
    static void (*const scripts[])(struct buf *) = { bash_script, zsh_script, fish_script };
    struct fault f = { 0 };
    uint64_t shell = 0;
    enum err e = OK;
    if (c->args.count != 2)
        e = fail(&f, ERR_INVALID_PARAMS, "completion needs one of %s", command->operands);
    else if (!choice_place(command->operands, str_of(c->args.words[1]), &shell))
        e = fail(&f, ERR_INVALID_PARAMS, "there is no completion for '%.*s', only for %s",
                 STR_ARG(str_head(str_of(c->args.words[1]), 64)), command->operands);
    if (e) return cli_error(c, e, &f, NULL);
    scripts[shell](&c->out);
    return 0;
}
