/* The frequent instructions of regular expressions, in a loop that calls no function.
 *
 * As leaf_loop.h has those of scripts, and for the same reason. An instruction is run as a whole, with the step back to another alternative
 * where it does not match, or left to lre_exec_backtrack before it changed anything: where the stack has to grow, where it is time
 * to ask for the deadline, at the end of the whole, and for letters that have to be looked up. A search for where to begin may be left
 * between two characters.
 *
 * Included by libregexp.c, in front of lre_exec_backtrack.
 */

/* Where an execution is: the next instruction, the next character, the top of the stack, and the newest alternative on it. */
typedef struct {
    const uint8_t *pc;
    const uint8_t *cptr;
    StackElem *sp;
    StackElem *bp;
} RegexpPlace;

/* Whether a character is in one of so many ranges, which are in order and do not touch. */
static inline bool is_in_ranges(const uint8_t *ranges, uint32_t count, uint32_t c)
{
    uint32_t first = 0, last = count - 1;

    for (;;) {
        uint32_t middle = (first + last) / 2;
        if (c < get_u16(ranges + middle * 4)) {
            if (middle == first)
                return false;
            last = middle - 1;
        } else if (c > get_u16(ranges + middle * 4 + 2)) {
            if (middle == last)
                return false;
            first = middle + 1;
        } else {
            return true;
        }
    }
}

/* A letter of ASCII without its case. */
static inline uint32_t folded(uint32_t c, bool is_unicode)
{
    return (is_unicode ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z') ? c ^ 0x20 : c;
}

/* Whether an instruction may match this character; true where it is none of a character. */
static inline bool may_begin(const uint8_t *pc, uint32_t c, bool is_unicode)
{
    switch (*pc) {
    case REOP_char:
        return c == get_u16(pc + 1);
    case REOP_char_i:
        return c >= 128 || folded(c, is_unicode) == get_u16(pc + 1);
    case REOP_range:
        return c >= 0xffff || is_in_ranges(pc + 3, get_u16(pc + 1), c);
    case REOP_range_i:
        return c >= 128 || is_in_ranges(pc + 3, get_u16(pc + 1), folded(c, is_unicode));
    default:
        return true;
    }
}

static no_inline void regexp_loop(REExecContext *s, uint8_t **capture, RegexpPlace *place)
{
    const uint8_t *pc = place->pc, *cptr = place->cptr, *const cbuf_end = s->cbuf_end;
    StackElem *sp = place->sp, *bp = place->bp, *const stack_end = s->stack_buf + s->stack_size;
    const int cbuf_type = s->cbuf_type;

#define NEED(count) do { \
        if (unlikely(stack_end - sp < (count))) \
            goto leave; \
    } while (0)

/* Jumps and steps back are counted, as lre_exec_backtrack counts them, and each character of a search. */
#define MAY_STEP() do { \
        if (unlikely(s->interrupt_counter <= 1)) \
            goto leave; \
    } while (0)
#define STEP() (s->interrupt_counter--)

/* The next character, where there is one; `next` is behind it. */
#define NEXT() do { \
        if (cptr >= cbuf_end) \
            goto no_match; \
        GET_CHAR(c, next, cbuf_end, cbuf_type); \
    } while (0)

/* Letters without case, as far as ASCII goes. */
#define FOLD() do { \
        if (c >= 128) \
            goto leave; \
        c = folded(c, s->is_unicode); \
    } while (0)

#define SPLIT(other) do { \
        sp[0].ptr = (uint8_t *)(other); \
        sp[1].ptr = (uint8_t *)cptr; \
        sp[2].bp.val = bp - s->stack_buf; \
        sp[2].bp.type = RE_EXEC_STATE_SPLIT; \
        sp += 3; \
        bp = sp; \
    } while (0)

#define SAVE(index, value) do { \
        sp[0].val = (index); \
        sp[1].ptr = capture[index]; \
        sp += 2; \
        capture[index] = (value); \
    } while (0)

/* Once is enough for each alternative. */
#define SAVE_ONCE(index, value) do { \
        StackElem *saved = sp; \
        while (saved > bp && saved[-2].val != (index)) \
            saved -= 2; \
        if (saved > bp) \
            capture[index] = (value); \
        else \
            SAVE(index, value); \
    } while (0)

    for (;;) {
        const uint8_t *next = cptr;
        uint32_t c, index;

        switch (*pc) {
        case REOP_char:
            NEXT();
            if (c != get_u16(pc + 1))
                goto no_match;
            pc += 3;
            break;
        case REOP_char_i:
            NEXT();
            FOLD();
            if (c != get_u16(pc + 1))
                goto no_match;
            pc += 3;
            break;
        case REOP_dot:
            NEXT();
            if (is_line_terminator(c))
                goto no_match;
            pc += 1;
            break;
        case REOP_any:
            NEXT();
            pc += 1;
            break;
        case REOP_space:
        case REOP_not_space:
            NEXT();
            if (c >= 256)
                goto leave;
            if ((lre_is_space_byte(c) != 0) != (*pc == REOP_space))
                goto no_match;
            pc += 1;
            break;
        case REOP_range:
        case REOP_range_i: {
            uint32_t count = get_u16(pc + 1);
            NEXT();
            if (*pc == REOP_range_i)
                FOLD();
            /* The last range may have no end. */
            if (unlikely(c >= 0xffff))
                goto leave;
            if (!is_in_ranges(pc + 3, count, c))
                goto no_match;
            pc += 3 + count * 4;
            break;
        }

        case REOP_line_start:
            if (cptr != s->cbuf)
                goto no_match;
            pc += 1;
            break;
        case REOP_line_end:
            if (cptr != cbuf_end)
                goto no_match;
            pc += 1;
            break;
        case REOP_word_boundary:
        case REOP_not_word_boundary: {
            bool before = false, behind = false;
            if (cptr != s->cbuf) {
                PEEK_PREV_CHAR(c, cptr, s->cbuf, cbuf_type);
                before = c < 256 && lre_is_word_byte(c);
            }
            if (cptr < cbuf_end) {
                PEEK_CHAR(c, cptr, cbuf_end, cbuf_type);
                behind = c < 256 && lre_is_word_byte(c);
            }
            if ((before != behind) != (*pc == REOP_word_boundary))
                goto no_match;
            pc += 1;
            break;
        }

        case REOP_split_goto_first:
            NEED(3);
            /* Where the whole may begin, and else at the next character: so a search begins. It goes on to the first where what has to be
               there at least is there. */
            if (pc[5] == REOP_any && pc[6] == REOP_goto && get_u32(pc + 7) == (uint32_t)-11) {
                const uint8_t *least = pc + 5 + (int)get_u32(pc + 1);
                while (*least == REOP_save_start)
                    least += 2;
                if (*least == REOP_line_start && cptr != s->cbuf)
                    next = cbuf_end;
                while (next < cbuf_end) {
                    const uint8_t *here = next;
                    GET_CHAR(c, next, cbuf_end, cbuf_type);
                    if (may_begin(least, c, s->is_unicode)) {
                        next = here;
                        break;
                    }
                    cptr = here;
                    MAY_STEP();
                    STEP();
                }
                cptr = next;
            }
            SPLIT(pc + 5);
            pc += 5 + (int)get_u32(pc + 1);
            break;
        case REOP_split_next_first:
            NEED(3);
            SPLIT(pc + 5 + (int)get_u32(pc + 1));
            pc += 5;
            break;
        case REOP_goto:
            MAY_STEP();
            STEP();
            pc += 5 + (int)get_u32(pc + 1);
            break;
        case REOP_save_start:
        case REOP_save_end:
            if (pc[1] >= s->capture_count)
                goto leave;
            NEED(2);
            index = 2 * pc[1] + (*pc == REOP_save_end);
            SAVE(index, (uint8_t *)cptr);
            pc += 2;
            break;

        /* Registers, which are behind the captures: counts of loops, and where their last round began. */
        case REOP_set_i32:
            NEED(2);
            index = 2 * s->capture_count + pc[1];
            SAVE_ONCE(index, (uint8_t *)(uintptr_t)get_u32(pc + 2));
            pc += 6;
            break;
        case REOP_set_char_pos:
            NEED(2);
            index = 2 * s->capture_count + pc[1];
            SAVE_ONCE(index, (uint8_t *)cptr);
            pc += 2;
            break;
        case REOP_check_advance:
            if (capture[2 * s->capture_count + pc[1]] == cptr)
                goto no_match;
            pc += 2;
            break;
        case REOP_loop: {
            uint32_t left;
            MAY_STEP();
            NEED(2);
            index = 2 * s->capture_count + pc[1];
            left = (uint32_t)(uintptr_t)capture[index] - 1;
            SAVE_ONCE(index, (uint8_t *)(uintptr_t)left);
            if (left != 0) {
                STEP();
                pc += (int)get_u32(pc + 2);
            }
            pc += 6;
            break;
        }
        case REOP_loop_split_goto_first:
        case REOP_loop_split_next_first: {
            uint32_t left;
            int offset = (int)get_u32(pc + 6);
            MAY_STEP();
            NEED(5);
            index = 2 * s->capture_count + pc[1];
            left = (uint32_t)(uintptr_t)capture[index] - 1;
            SAVE_ONCE(index, (uint8_t *)(uintptr_t)left);
            if (left > get_u32(pc + 2)) {
                STEP();
                pc += 10 + offset;
            } else if (left == 0) {
                pc += 10;
            } else if (*pc == REOP_loop_split_next_first) {
                SPLIT(pc + 10 + offset);
                pc += 10;
            } else {
                SPLIT(pc + 10);
                pc += 10 + offset;
            }
            break;
        }
        default:
            goto leave;
        }
        cptr = next;
        continue;

    no_match:
        /* Back to the newest alternative, with the captures as they were. */
        if (bp == s->stack_buf || bp[-1].bp.type == RE_EXEC_STATE_LOOKAHEAD)
            goto leave;
        MAY_STEP();
        STEP();
        while (sp > bp) {
            capture[sp[-2].val] = sp[-1].ptr;
            sp -= 2;
        }
        pc = sp[-3].ptr;
        cptr = sp[-2].ptr;
        bp = s->stack_buf + sp[-1].bp.val;
        sp -= 3;
    }
leave:
    place->pc = pc;
    place->cptr = cptr;
    place->sp = sp;
    place->bp = bp;
}

#undef NEED
#undef MAY_STEP
#undef STEP
#undef NEXT
#undef FOLD
#undef SPLIT
#undef SAVE
#undef SAVE_ONCE
