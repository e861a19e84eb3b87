/// Elementary functions of binary32 numbers whose result is the binary32 number nearest to the
/// true value (ties to even), for *every* argument.
///
/// A correctly rounded result is unique, so any two correctly rounded libraries agree in every bit,
/// on any processor and system. Subnormal results, overflow, underflow, infinities, zeros and their
/// signs follow IEEE 754 and C99 Annex F; a NaN result has no particular payload.
///
/// Each function computes an approximation in `Double` from + − × ÷ alone, with an error bound that
/// its file argues. Where every number within that bound rounds to the same `Float`, that is the
/// result; else integer arithmetic of sufficient precision compares the true value with the one
/// midpoint in question. No function of the system's mathematical library takes part.
public enum CorrectlyRounded {}
