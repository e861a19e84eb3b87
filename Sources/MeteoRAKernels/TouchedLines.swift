/// Reads a word of every cache line, all at once, so that memory need not be waited for line by line.
///
/// - Parameter witness: Takes a float that the compiler cannot leave out.
func touchLines(
  _ start: UnsafeRawPointer, byteCount: Int, witness: UnsafeMutablePointer<Float>
) {
  var (a, b) = (SIMD4<UInt32>.zero, SIMD4<UInt32>.zero)
  var offset = 0
  while offset &+ 128 <= byteCount {
    a |= start.loadUnaligned(fromByteOffset: offset, as: SIMD4<UInt32>.self)
    b |= start.loadUnaligned(fromByteOffset: offset &+ 64, as: SIMD4<UInt32>.self)
    offset &+= 128
  }
  let bits = a | b
  witness.pointee = Float(bitPattern: bits[0] | bits[1] | bits[2] | bits[3])
}
