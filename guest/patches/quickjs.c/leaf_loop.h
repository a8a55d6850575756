/* The frequent instructions, in a loop that calls no function.
 *
 * JS_CallInternal runs every instruction, and calls so many functions that a WebAssembly compiler keeps what each instruction needs, the
 * place in the code and the top of the stack, in memory. Here they stay in registers. An instruction is run as a whole, or left to
 * JS_CallInternal before it changed anything: where a value loses its last reference, a property has a getter, a number does not fit.
 *
 * So each case decides first and changes then: nothing is written above a `goto leave`. The last line of a case may be one that decides and
 * changes, as LOSE and STORE do.
 *
 * Included by quickjs.c, in front of JS_CallInternal. `xtask/src/brake.rs` knows the function by its name.
 */

/* Where the loop ended: the instruction that is left, and the top of the stack. In a register where both fit. */
#if UINTPTR_MAX == UINT32_MAX
typedef uint64_t LeafEnd;
#define LEAF_END(pc, sp) ((uint64_t)(uintptr_t)(sp) << 32 | (uintptr_t)(pc))
#define LEAF_PC(end) ((const uint8_t *)(uintptr_t)(end))
#define LEAF_SP(end) ((JSValue *)(uintptr_t)((end) >> 32))
#else
typedef struct {
    const uint8_t *pc;
    JSValue *sp;
} LeafEnd;
#define LEAF_END(pc, sp) ((LeafEnd){ pc, sp })
#define LEAF_PC(end) ((end).pc)
#define LEAF_SP(end) ((end).sp)
#endif

/* Whether a reference to a value can be lost, and it lives on. */
static inline bool leaf_is_shared(JSValue value, int by)
{
    return !JS_VALUE_HAS_REF_COUNT(value) || JS_REF_COUNT(JS_VALUE_GET_PTR(value)) > by;
}

static inline void leaf_lose(JSValue value)
{
    if (JS_VALUE_HAS_REF_COUNT(value))
        JS_REF_COUNT(JS_VALUE_GET_PTR(value))--;
}

/* Whether both can be lost, which may be the same. */
static inline bool leaf_are_shared(JSValue one, JSValue other)
{
    int by = 1;
    if (JS_VALUE_HAS_REF_COUNT(one) && JS_VALUE_HAS_REF_COUNT(other) && JS_VALUE_GET_PTR(one) == JS_VALUE_GET_PTR(other))
        by = 2;
    return leaf_is_shared(one, by) && leaf_is_shared(other, by);
}

#define LOSE(value) do { \
        JSValue lost = (value); \
        if (unlikely(!leaf_is_shared(lost, 1))) \
            goto leave; \
        leaf_lose(lost); \
    } while (0)

#define STORE(place, value) do { \
        JSValue *stored = (place); \
        LOSE(*stored); \
        *stored = (value); \
    } while (0)

#define PUSH(value) do { JSValue pushed = (value); *sp++ = js_dup(pushed); } while (0)

/* What a condition is; objects lose their reference. */
#define TRUTH(value, truth) do { \
        JSValue asked = (value); \
        if (likely((uint32_t)JS_VALUE_GET_TAG(asked) <= JS_TAG_UNDEFINED)) { \
            truth = JS_VALUE_GET_INT(asked) != 0; \
        } else { \
            if (JS_VALUE_GET_TAG(asked) != JS_TAG_OBJECT || JS_VALUE_GET_OBJ(asked)->is_HTMLDDA) \
                goto leave; \
            LOSE(asked); \
            truth = true; \
        } \
    } while (0)

/* A jump back is counted, as JS_CallInternal counts it, and is a step at which the host can stop the engine. */
#ifdef __wasm__
#define STEP() (*(volatile int32_t *)4 = 0)
#else
#define STEP() ((void)0)
#endif
#define MAY_JUMP(offset) do { \
        if ((offset) < 0 && unlikely(ctx->interrupt_counter <= 1)) \
            goto leave; \
    } while (0)
#define COUNT_JUMP(offset) do { \
        if ((offset) < 0) { \
            ctx->interrupt_counter--; \
            STEP(); \
        } \
    } while (0)

static no_inline LeafEnd leaf_loop(const uint8_t *pc, JSValue *sp, JSStackFrame *sf, JSVarRef **var_refs, JSContext *ctx)
{
    JSValue *const var_buf = sf->var_buf;
    JSValue *const arg_buf = sf->arg_buf;

    for (;;) {
        switch (*pc++) {
        case OP_push_i32: *sp++ = js_int32(get_u32(pc)); pc += 4; break;
        case OP_push_i16: *sp++ = js_int32(get_i16(pc)); pc += 2; break;
        case OP_push_i8: *sp++ = js_int32(get_i8(pc)); pc += 1; break;
        case OP_push_minus1: *sp++ = js_int32(-1); break;
        case OP_push_0: *sp++ = js_int32(0); break;
        case OP_push_1: *sp++ = js_int32(1); break;
        case OP_push_2: *sp++ = js_int32(2); break;
        case OP_push_3: *sp++ = js_int32(3); break;
        case OP_push_4: *sp++ = js_int32(4); break;
        case OP_push_5: *sp++ = js_int32(5); break;
        case OP_push_6: *sp++ = js_int32(6); break;
        case OP_push_7: *sp++ = js_int32(7); break;
        case OP_push_const: PUSH(JS_VALUE_GET_OBJ(sf->cur_func)->u.func.function_bytecode->cpool[get_u32(pc)]); pc += 4; break;
        case OP_push_const8: PUSH(JS_VALUE_GET_OBJ(sf->cur_func)->u.func.function_bytecode->cpool[*pc]); pc += 1; break;
        case OP_undefined: *sp++ = JS_UNDEFINED; break;
        case OP_null: *sp++ = JS_NULL; break;
        case OP_push_false: *sp++ = JS_FALSE; break;
        case OP_push_true: *sp++ = JS_TRUE; break;

        case OP_drop: LOSE(sp[-1]); sp--; break;
        case OP_nip: LOSE(sp[-2]); sp[-2] = sp[-1]; sp--; break;
        case OP_dup: PUSH(sp[-1]); break;
        case OP_dup1: sp[0] = sp[-1]; sp[-1] = js_dup(sp[-2]); sp++; break;
        case OP_dup2: sp[0] = js_dup(sp[-2]); sp[1] = js_dup(sp[-1]); sp += 2; break;
        case OP_dup3: sp[0] = js_dup(sp[-3]); sp[1] = js_dup(sp[-2]); sp[2] = js_dup(sp[-1]); sp += 3; break;
        case OP_insert2: sp[0] = sp[-1]; sp[-1] = sp[-2]; sp[-2] = js_dup(sp[0]); sp++; break;
        case OP_insert3: sp[0] = sp[-1]; sp[-1] = sp[-2]; sp[-2] = sp[-3]; sp[-3] = js_dup(sp[0]); sp++; break;
        case OP_insert4:
            sp[0] = sp[-1]; sp[-1] = sp[-2]; sp[-2] = sp[-3]; sp[-3] = sp[-4]; sp[-4] = js_dup(sp[0]); sp++;
            break;
        case OP_swap: { JSValue top = sp[-1]; sp[-1] = sp[-2]; sp[-2] = top; break; }
        case OP_perm3: { JSValue under = sp[-2]; sp[-2] = sp[-3]; sp[-3] = under; break; }
        case OP_perm4: { JSValue under = sp[-2]; sp[-2] = sp[-3]; sp[-3] = sp[-4]; sp[-4] = under; break; }
        case OP_rot3l: { JSValue third = sp[-3]; sp[-3] = sp[-2]; sp[-2] = sp[-1]; sp[-1] = third; break; }
        case OP_rot3r: { JSValue top = sp[-1]; sp[-1] = sp[-2]; sp[-2] = sp[-3]; sp[-3] = top; break; }

        case OP_get_loc: PUSH(var_buf[get_u16(pc)]); pc += 2; break;
        case OP_get_loc8: PUSH(var_buf[*pc]); pc += 1; break;
        case OP_get_loc0: PUSH(var_buf[0]); break;
        case OP_get_loc1: PUSH(var_buf[1]); break;
        case OP_get_loc2: PUSH(var_buf[2]); break;
        case OP_get_loc3: PUSH(var_buf[3]); break;
        case OP_get_loc0_loc1: sp[0] = js_dup(var_buf[0]); sp[1] = js_dup(var_buf[1]); sp += 2; break;
        case OP_put_loc: STORE(&var_buf[get_u16(pc)], sp[-1]); sp--; pc += 2; break;
        case OP_put_loc8: STORE(&var_buf[*pc], sp[-1]); sp--; pc += 1; break;
        case OP_put_loc0: STORE(&var_buf[0], sp[-1]); sp--; break;
        case OP_put_loc1: STORE(&var_buf[1], sp[-1]); sp--; break;
        case OP_put_loc2: STORE(&var_buf[2], sp[-1]); sp--; break;
        case OP_put_loc3: STORE(&var_buf[3], sp[-1]); sp--; break;
        case OP_set_loc: STORE(&var_buf[get_u16(pc)], js_dup(sp[-1])); pc += 2; break;
        case OP_set_loc8: STORE(&var_buf[*pc], js_dup(sp[-1])); pc += 1; break;
        case OP_set_loc0: STORE(&var_buf[0], js_dup(sp[-1])); break;
        case OP_set_loc1: STORE(&var_buf[1], js_dup(sp[-1])); break;
        case OP_set_loc2: STORE(&var_buf[2], js_dup(sp[-1])); break;
        case OP_set_loc3: STORE(&var_buf[3], js_dup(sp[-1])); break;
        case OP_set_loc_uninitialized: STORE(&var_buf[get_u16(pc)], JS_UNINITIALIZED); pc += 2; break;
        case OP_get_loc_check: {
            JSValue value = var_buf[get_u16(pc)];
            if (unlikely(JS_IsUninitialized(value)))
                goto leave;
            PUSH(value);
            pc += 2;
            break;
        }
        case OP_put_loc_check: {
            JSValue *place = &var_buf[get_u16(pc)];
            if (unlikely(JS_IsUninitialized(*place)))
                goto leave;
            STORE(place, sp[-1]);
            sp--;
            pc += 2;
            break;
        }
        case OP_put_loc_check_init: {
            JSValue *place = &var_buf[get_u16(pc)];
            if (unlikely(!JS_IsUninitialized(*place)))
                goto leave;
            *place = sp[-1];
            sp--;
            pc += 2;
            break;
        }

        case OP_get_arg: PUSH(arg_buf[get_u16(pc)]); pc += 2; break;
        case OP_get_arg0: PUSH(arg_buf[0]); break;
        case OP_get_arg1: PUSH(arg_buf[1]); break;
        case OP_get_arg2: PUSH(arg_buf[2]); break;
        case OP_get_arg3: PUSH(arg_buf[3]); break;
        case OP_put_arg: STORE(&arg_buf[get_u16(pc)], sp[-1]); sp--; pc += 2; break;
        case OP_put_arg0: STORE(&arg_buf[0], sp[-1]); sp--; break;
        case OP_put_arg1: STORE(&arg_buf[1], sp[-1]); sp--; break;
        case OP_put_arg2: STORE(&arg_buf[2], sp[-1]); sp--; break;
        case OP_put_arg3: STORE(&arg_buf[3], sp[-1]); sp--; break;

        case OP_get_var_ref: PUSH(*var_refs[get_u16(pc)]->pvalue); pc += 2; break;
        case OP_get_var_ref0: PUSH(*var_refs[0]->pvalue); break;
        case OP_get_var_ref1: PUSH(*var_refs[1]->pvalue); break;
        case OP_get_var_ref2: PUSH(*var_refs[2]->pvalue); break;
        case OP_get_var_ref3: PUSH(*var_refs[3]->pvalue); break;
        case OP_put_var_ref: STORE(var_refs[get_u16(pc)]->pvalue, sp[-1]); sp--; pc += 2; break;
        case OP_put_var_ref0: STORE(var_refs[0]->pvalue, sp[-1]); sp--; break;
        case OP_put_var_ref1: STORE(var_refs[1]->pvalue, sp[-1]); sp--; break;
        case OP_put_var_ref2: STORE(var_refs[2]->pvalue, sp[-1]); sp--; break;
        case OP_put_var_ref3: STORE(var_refs[3]->pvalue, sp[-1]); sp--; break;
        case OP_get_var_ref_check: {
            JSValue value = *var_refs[get_u16(pc)]->pvalue;
            if (unlikely(JS_IsUninitialized(value)))
                goto leave;
            PUSH(value);
            pc += 2;
            break;
        }
        case OP_put_var_ref_check: {
            JSValue *place = var_refs[get_u16(pc)]->pvalue;
            if (unlikely(JS_IsUninitialized(*place)))
                goto leave;
            STORE(place, sp[-1]);
            sp--;
            pc += 2;
            break;
        }

        /* Global variables: those that `let`, `const` and `class` declare, and else the properties of the global object. */
        case OP_get_var:
        case OP_get_var_undef: {
            JSAtom atom = get_u32(pc);
            JSProperty *property;
            if (find_own_property(&property, JS_VALUE_GET_OBJ(ctx->global_var_obj), atom)) {
                if (unlikely(JS_IsUninitialized(property->u.value)))
                    goto leave;
            } else {
                JSShapeProperty *found = find_own_property(&property, JS_VALUE_GET_OBJ(ctx->global_obj), atom);
                if (unlikely(!found || (found->flags & JS_PROP_TMASK)))
                    goto leave;
            }
            PUSH(property->u.value);
            pc += 4;
            break;
        }
        case OP_put_var: {
            JSAtom atom = get_u32(pc);
            JSProperty *property;
            JSShapeProperty *found = find_own_property(&property, JS_VALUE_GET_OBJ(ctx->global_var_obj), atom);
            if (found) {
                if (unlikely(JS_IsUninitialized(property->u.value) || !(found->flags & JS_PROP_WRITABLE)))
                    goto leave;
            } else {
                found = find_own_property(&property, JS_VALUE_GET_OBJ(ctx->global_obj), atom);
                if (unlikely(!found || (found->flags & (JS_PROP_TMASK | JS_PROP_WRITABLE | JS_PROP_LENGTH)) != JS_PROP_WRITABLE))
                    goto leave;
            }
            STORE(&property->u.value, sp[-1]);
            sp--;
            pc += 4;
            break;
        }

        case OP_goto: { int32_t offset = (int32_t)get_u32(pc); MAY_JUMP(offset); COUNT_JUMP(offset); pc += offset; break; }
        case OP_goto16: { int32_t offset = (int16_t)get_u16(pc); MAY_JUMP(offset); COUNT_JUMP(offset); pc += offset; break; }
        case OP_goto8: { int32_t offset = (int8_t)*pc; MAY_JUMP(offset); COUNT_JUMP(offset); pc += offset; break; }
#define JUMP_IF(instruction, wanted, far, size) \
        case instruction: { \
            int32_t offset = (far); \
            bool truth; \
            MAY_JUMP(offset); \
            TRUTH(sp[-1], truth); \
            sp--; \
            COUNT_JUMP(offset); \
            pc += truth == (wanted) ? offset : (size); \
            break; \
        }
        JUMP_IF(OP_if_true, true, (int32_t)get_u32(pc), 4)
        JUMP_IF(OP_if_false, false, (int32_t)get_u32(pc), 4)
        JUMP_IF(OP_if_true8, true, (int8_t)*pc, 1)
        JUMP_IF(OP_if_false8, false, (int8_t)*pc, 1)
        case OP_lnot: { bool truth; TRUTH(sp[-1], truth); sp[-1] = js_bool(!truth); break; }

        /* Whole numbers that fit, and floats. Zero as a product may be a negative one. */
#define ARITHMETIC(instruction, operator, is_left) \
        case instruction: { \
            JSValue a = sp[-2], b = sp[-1]; \
            if (likely(JS_VALUE_IS_BOTH_INT(a, b))) { \
                int64_t result = (int64_t)JS_VALUE_GET_INT(a) operator JS_VALUE_GET_INT(b); \
                if (unlikely(result != (int32_t)result || (is_left))) \
                    goto leave; \
                sp[-2] = js_int32((int32_t)result); \
            } else { \
                double x, y; \
                if (!js_arith_to_float64(a, &x) || !js_arith_to_float64(b, &y)) \
                    goto leave; \
                sp[-2] = js_float64(x operator y); \
            } \
            sp--; \
            break; \
        }
        ARITHMETIC(OP_add, +, false)
        ARITHMETIC(OP_sub, -, false)
        ARITHMETIC(OP_mul, *, result == 0)
        case OP_div: {
            double x, y;
            if (!js_arith_to_float64(sp[-2], &x) || !js_arith_to_float64(sp[-1], &y))
                goto leave;
            sp[-2] = js_number(x / y);
            sp--;
            break;
        }
        case OP_mod: {
            JSValue a = sp[-2], b = sp[-1];
            if (!JS_VALUE_IS_BOTH_INT(a, b) || JS_VALUE_GET_INT(a) < 0 || JS_VALUE_GET_INT(b) <= 0)
                goto leave;
            sp[-2] = js_int32(JS_VALUE_GET_INT(a) % JS_VALUE_GET_INT(b));
            sp--;
            break;
        }
        case OP_add_loc: {
            JSValue *place = &var_buf[*pc], a = *place, b = sp[-1];
            if (likely(JS_VALUE_IS_BOTH_INT(a, b))) {
                int64_t result = (int64_t)JS_VALUE_GET_INT(a) + JS_VALUE_GET_INT(b);
                if (unlikely(result != (int32_t)result))
                    goto leave;
                *place = js_int32((int32_t)result);
            } else {
                double x, y;
                if (!js_arith_to_float64(a, &x) || !js_arith_to_float64(b, &y))
                    goto leave;
                *place = js_float64(x + y);
            }
            sp--;
            pc += 1;
            break;
        }
        case OP_plus: if (!JS_IsNumber(sp[-1])) goto leave; break;
        case OP_neg: {
            JSValue a = sp[-1];
            if (JS_VALUE_GET_TAG(a) == JS_TAG_INT) {
                int32_t number = JS_VALUE_GET_INT(a);
                if (unlikely(number == 0 || number == INT32_MIN))
                    goto leave;
                sp[-1] = js_int32(-number);
            } else if (JS_TAG_IS_FLOAT64(JS_VALUE_GET_TAG(a))) {
                sp[-1] = js_float64(-JS_VALUE_GET_FLOAT64(a));
            } else {
                goto leave;
            }
            break;
        }
/* What is counted mostly is a loop, whose next round begins. */
#define THEN_GOTO() do { \
        if (likely(*pc == OP_goto8) && likely(ctx->interrupt_counter > 1)) { \
            int32_t offset = (int8_t)pc[1]; \
            COUNT_JUMP(offset); \
            pc += 1 + offset; \
        } \
    } while (0)

#define NEXT_INT(value, last) \
            if (unlikely(JS_VALUE_GET_TAG(value) != JS_TAG_INT || JS_VALUE_GET_INT(value) == (last))) \
                goto leave
        case OP_inc: NEXT_INT(sp[-1], INT32_MAX); sp[-1] = js_int32(JS_VALUE_GET_INT(sp[-1]) + 1); break;
        case OP_dec: NEXT_INT(sp[-1], INT32_MIN); sp[-1] = js_int32(JS_VALUE_GET_INT(sp[-1]) - 1); break;
        case OP_post_inc: NEXT_INT(sp[-1], INT32_MAX); sp[0] = js_int32(JS_VALUE_GET_INT(sp[-1]) + 1); sp++; break;
        case OP_post_dec: NEXT_INT(sp[-1], INT32_MIN); sp[0] = js_int32(JS_VALUE_GET_INT(sp[-1]) - 1); sp++; break;
        case OP_inc_loc: {
            JSValue *place = &var_buf[*pc];
            NEXT_INT(*place, INT32_MAX);
            *place = js_int32(JS_VALUE_GET_INT(*place) + 1);
            pc += 1;
            THEN_GOTO();
            break;
        }
        case OP_dec_loc: {
            JSValue *place = &var_buf[*pc];
            NEXT_INT(*place, INT32_MIN);
            *place = js_int32(JS_VALUE_GET_INT(*place) - 1);
            pc += 1;
            THEN_GOTO();
            break;
        }

#define ON_INTS(instruction, result) \
        case instruction: { \
            JSValue a = sp[-2], b = sp[-1]; \
            if (unlikely(!JS_VALUE_IS_BOTH_INT(a, b))) \
                goto leave; \
            uint32_t x = JS_VALUE_GET_INT(a), y = JS_VALUE_GET_INT(b); \
            sp[-2] = (result); \
            sp--; \
            break; \
        }
        ON_INTS(OP_and, js_int32(x & y))
        ON_INTS(OP_or, js_int32(x | y))
        ON_INTS(OP_xor, js_int32(x ^ y))
        ON_INTS(OP_shl, js_int32(x << (y & 31)))
        ON_INTS(OP_sar, js_int32((int32_t)x >> (y & 31)))
        ON_INTS(OP_shr, js_uint32(x >> (y & 31)))
        case OP_not:
            if (unlikely(JS_VALUE_GET_TAG(sp[-1]) != JS_TAG_INT))
                goto leave;
            sp[-1] = js_int32(~JS_VALUE_GET_INT(sp[-1]));
            break;

/* What is compared mostly decides where to go on. */
#define DECIDE(result) do { \
        bool decision = (result); \
        sp--; \
        if (likely(*pc == OP_if_false8) && (int8_t)pc[1] >= 0) { \
            sp--; \
            pc += decision ? 2 : 1 + (int8_t)pc[1]; \
        } else { \
            sp[-1] = js_bool(decision); \
        } \
    } while (0)

#define ORDER(instruction, operator) \
        case instruction: { \
            JSValue a = sp[-2], b = sp[-1]; \
            if (likely(JS_VALUE_IS_BOTH_INT(a, b))) { \
                DECIDE(JS_VALUE_GET_INT(a) operator JS_VALUE_GET_INT(b)); \
            } else { \
                double x, y; \
                if (!js_arith_to_float64(a, &x) || !js_arith_to_float64(b, &y)) \
                    goto leave; \
                DECIDE(x operator y); \
            } \
            break; \
        }
        ORDER(OP_lt, <)
        ORDER(OP_lte, <=)
        ORDER(OP_gt, >)
        ORDER(OP_gte, >=)

        /* Strings, big numbers and what has to be converted are left; and document.all, which none of ours has. */
#define EQUALITY(instruction, is_strict, is_negated) \
        case instruction: { \
            JSValue a = sp[-2], b = sp[-1]; \
            int one = JS_VALUE_GET_TAG(a), other = JS_VALUE_GET_TAG(b); \
            double x, y; \
            bool result; \
            if (likely(JS_VALUE_IS_BOTH_INT(a, b))) { \
                result = JS_VALUE_GET_INT(a) == JS_VALUE_GET_INT(b); \
            } else if (one == JS_TAG_OBJECT && other == JS_TAG_OBJECT) { \
                if (unlikely(!leaf_are_shared(a, b))) \
                    goto leave; \
                result = JS_VALUE_GET_PTR(a) == JS_VALUE_GET_PTR(b); \
                leaf_lose(a); \
                leaf_lose(b); \
            } else if (other == JS_TAG_UNDEFINED || other == JS_TAG_NULL) { \
                if (one == JS_TAG_OBJECT && JS_VALUE_GET_OBJ(a)->is_HTMLDDA) \
                    goto leave; \
                result = (is_strict) ? one == other : one == JS_TAG_UNDEFINED || one == JS_TAG_NULL; \
                LOSE(a); \
            } else if (one == JS_TAG_BOOL && other == JS_TAG_BOOL) { \
                result = JS_VALUE_GET_BOOL(a) == JS_VALUE_GET_BOOL(b); \
            } else if (js_arith_to_float64(a, &x) && js_arith_to_float64(b, &y)) { \
                result = x == y; \
            } else { \
                goto leave; \
            } \
            DECIDE(result != (is_negated)); \
            break; \
        }
        EQUALITY(OP_eq, false, false)
        EQUALITY(OP_neq, false, true)
        EQUALITY(OP_strict_eq, true, false)
        EQUALITY(OP_strict_neq, true, true)

#define IS(instruction, condition) \
        case instruction: { \
            JSValue a = sp[-1]; \
            int tag = JS_VALUE_GET_TAG(a); \
            LOSE(a); \
            sp[-1] = js_bool(condition); \
            break; \
        }
        IS(OP_is_undefined, tag == JS_TAG_UNDEFINED)
        IS(OP_is_null, tag == JS_TAG_NULL)
        IS(OP_is_undefined_or_null, tag == JS_TAG_UNDEFINED || tag == JS_TAG_NULL)

        /* Properties that are values, of an object and of what it inherits from. */
        case OP_get_field:
        case OP_get_field2: {
            JSValue object = sp[-1], value = JS_UNDEFINED;
            JSAtom atom = get_u32(pc);
            JSObject *owner;
            if (unlikely(JS_VALUE_GET_TAG(object) != JS_TAG_OBJECT))
                goto leave;
            for (owner = JS_VALUE_GET_OBJ(object); owner; owner = owner->shape->proto) {
                JSProperty *property;
                JSShapeProperty *found = find_own_property(&property, owner, atom);
                if (found) {
                    if (unlikely(found->flags & JS_PROP_TMASK))
                        goto leave;
                    value = property->u.value;
                    break;
                }
                if (unlikely(owner->is_exotic))
                    goto leave;
            }
            if (pc[-1] == OP_get_field) {
                LOSE(object);
                sp[-1] = js_dup(value);
            } else {
                *sp++ = js_dup(value);
            }
            pc += 4;
            break;
        }
        case OP_put_field: {
            JSValue object = sp[-2];
            JSProperty *property;
            JSShapeProperty *found;
            if (unlikely(JS_VALUE_GET_TAG(object) != JS_TAG_OBJECT))
                goto leave;
            found = find_own_property(&property, JS_VALUE_GET_OBJ(object), get_u32(pc));
            if (!found || (found->flags & (JS_PROP_TMASK | JS_PROP_WRITABLE | JS_PROP_LENGTH)) != JS_PROP_WRITABLE)
                goto leave;
            if (unlikely(!leaf_are_shared(object, property->u.value)))
                goto leave;
            leaf_lose(property->u.value);
            leaf_lose(object);
            property->u.value = sp[-1];
            sp -= 2;
            pc += 4;
            break;
        }
        case OP_get_length: {
            JSValue object = sp[-1], length;
            if (JS_VALUE_GET_TAG(object) == JS_TAG_OBJECT && JS_VALUE_GET_OBJ(object)->class_id == JS_CLASS_ARRAY)
                length = JS_VALUE_GET_OBJ(object)->prop[0].u.value;
            else if (JS_VALUE_GET_TAG(object) == JS_TAG_STRING)
                length = js_int32(JS_VALUE_GET_STRING(object)->len);
            else
                goto leave;
            LOSE(object);
            sp[-1] = length;
            break;
        }

        case OP_get_array_el:
        case OP_get_array_el2: {
            JSValue object = sp[-2], value;
            JSObject *array;
            uint32_t index;
            if (unlikely(JS_VALUE_GET_TAG(object) != JS_TAG_OBJECT || JS_VALUE_GET_TAG(sp[-1]) != JS_TAG_INT))
                goto leave;
            array = JS_VALUE_GET_OBJ(object);
            index = JS_VALUE_GET_INT(sp[-1]);
            /* `count` is of these classes, and only asked of them. */
            if (array->class_id == JS_CLASS_ARRAY) {
                if (unlikely(index >= array->u.array.count))
                    goto leave;
                value = array->u.array.u.values[index];
            } else {
                if (array->class_id < JS_CLASS_UINT8C_ARRAY || array->class_id > JS_CLASS_FLOAT64_ARRAY ||
                    unlikely(index >= array->u.array.count))
                    goto leave;
                if (array->class_id == JS_CLASS_UINT8_ARRAY || array->class_id == JS_CLASS_UINT8C_ARRAY)
                    value = js_int32(array->u.array.u.uint8_ptr[index]);
                else if (array->class_id == JS_CLASS_INT32_ARRAY)
                    value = js_int32(array->u.array.u.int32_ptr[index]);
                else if (array->class_id == JS_CLASS_UINT32_ARRAY)
                    value = js_uint32(array->u.array.u.uint32_ptr[index]);
                else if (array->class_id == JS_CLASS_UINT16_ARRAY)
                    value = js_int32(array->u.array.u.uint16_ptr[index]);
                else if (array->class_id == JS_CLASS_FLOAT64_ARRAY)
                    value = js_float64(array->u.array.u.double_ptr[index]);
                else
                    goto leave;
            }
            if (pc[-1] == OP_get_array_el) {
                LOSE(object);
                sp[-2] = js_dup(value);
                sp--;
            } else {
                sp[-1] = js_dup(value);
            }
            break;
        }
        case OP_put_array_el: {
            JSValue object = sp[-3], value = sp[-1];
            JSObject *array;
            uint32_t index;
            if (unlikely(JS_VALUE_GET_TAG(object) != JS_TAG_OBJECT || JS_VALUE_GET_TAG(sp[-2]) != JS_TAG_INT))
                goto leave;
            array = JS_VALUE_GET_OBJ(object);
            index = JS_VALUE_GET_INT(sp[-2]);
            if (array->class_id == JS_CLASS_ARRAY) {
                JSValue *place = &array->u.array.u.values[index];
                if (likely(index < array->u.array.count)) {
                    if (unlikely(!leaf_are_shared(object, *place)))
                        goto leave;
                    leaf_lose(*place);
                } else {
                    /* One more, where there is room for it. */
                    if (index != array->u.array.count || !array->fast_array || !array->extensible ||
                        array->shape->proto != JS_VALUE_GET_OBJ(ctx->class_proto[JS_CLASS_ARRAY]) ||
                        !ctx->std_array_prototype || index >= array->u.array.u1.size ||
                        JS_VALUE_GET_TAG(array->prop[0].u.value) != JS_TAG_INT || !leaf_is_shared(object, 1))
                        goto leave;
                    array->u.array.count = index + 1;
                    if (index >= (uint32_t)JS_VALUE_GET_INT(array->prop[0].u.value))
                        array->prop[0].u.value = js_int32(index + 1);
                }
                *place = value;
            } else {
                if (array->class_id < JS_CLASS_UINT8C_ARRAY || array->class_id > JS_CLASS_FLOAT64_ARRAY ||
                    unlikely(index >= array->u.array.count || !leaf_is_shared(object, 1)) ||
                    array->u.array.u1.typed_array->buffer->u.array_buffer->immutable)
                    goto leave;
                if (array->class_id == JS_CLASS_FLOAT64_ARRAY) {
                    double number;
                    if (!js_arith_to_float64(value, &number))
                        goto leave;
                    array->u.array.u.double_ptr[index] = number;
                } else if (JS_VALUE_GET_TAG(value) != JS_TAG_INT) {
                    goto leave;
                } else if (array->class_id == JS_CLASS_UINT8_ARRAY) {
                    array->u.array.u.uint8_ptr[index] = JS_VALUE_GET_INT(value);
                } else if (array->class_id == JS_CLASS_INT32_ARRAY || array->class_id == JS_CLASS_UINT32_ARRAY) {
                    array->u.array.u.uint32_ptr[index] = JS_VALUE_GET_INT(value);
                } else if (array->class_id == JS_CLASS_UINT16_ARRAY) {
                    array->u.array.u.uint16_ptr[index] = JS_VALUE_GET_INT(value);
                } else {
                    goto leave;
                }
            }
            leaf_lose(object);
            sp -= 3;
            break;
        }
        default:
            goto leave;
        }
    }
leave:
    return LEAF_END(pc - 1, sp);
}

#undef LOSE
#undef STORE
#undef PUSH
#undef TRUTH
#undef STEP
#undef MAY_JUMP
#undef COUNT_JUMP
#undef JUMP_IF
#undef ARITHMETIC
#undef THEN_GOTO
#undef NEXT_INT
#undef ON_INTS
#undef DECIDE
#undef ORDER
#undef EQUALITY
#undef IS
