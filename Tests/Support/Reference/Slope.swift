// Central differences in binary64 of a loss Σ c[o] · y[o], and how a gradient in binary32 is compared
// with them:
//
//   slope       Σ c[o] · (y[o](x + h) − y[o](x − h)) / 2h        h = 2⁻¹⁴
//   magnitude   Σ |the same terms|
//
// What is linear or quadratic in x has no other error than roundings of binary64, about 1e-11; of all
// else the third derivative leaves h² / 6 times as much, 1e-9. Both are far below a binary32 rounding
// of the terms, 6e-8.

/// How a loss follows one element, by differences.
package struct Slope: Sendable {
  /// The index of the element.
  package var element: Int
  package var value: Double
  /// The sum of the absolute terms that `value` is the sum of.
  package var magnitude: Double

  /// Slopes along every element of `values`.
  ///
  /// - Parameters:
  ///   - elements: Indices of those asked for; `nil` for all.
  ///   - c: The loss's weight of each output.
  ///   - outputs: As many as `c`.
  package static func along(
    _ values: [Double], elements: [Int]? = nil, weighing c: [Double], step: Double = 0x1p-14,
    _ outputs: ([Double]) throws -> [Double]
  ) rethrows -> [Slope] {
    var moved = values
    return try (elements ?? Array(values.indices)).map { element in
      moved[element] = values[element] + step
      let above = try outputs(moved)
      moved[element] = values[element] - step
      let below = try outputs(moved)
      moved[element] = values[element]
      var slope = Slope(element: element, value: 0, magnitude: 0)
      for (index, factor) in c.enumerated() {
        let term = factor * (above[index] - below[index]) / (2 * step)
        slope.value += term
        slope.magnitude += abs(term)
      }
      return slope
    }
  }

  /// How many roundings of binary32 the gradient of an operation may be away from its slope, each of
  /// them of the terms that it is the sum of.
  ///
  /// A chain of n fused steps is wrong by √n roundings or so, at most 12 in a block of 128; a gradient
  /// is a sum of products of up to four such chains. Terms may cancel before they are seen here, as
  /// P · dP and P · t of a softmax do: they count as an eighth of the largest in the tensor.
  package static let roundings = 64.0

  /// The first element of a gradient that is not its slope but for roundings, in words; `nil` if
  /// there is none.
  ///
  /// - Parameters:
  ///   - slopes: Of elements of the gradient.
  ///   - start: What the gradient was added to; `nil` if it was not.
  package static func firstMismatch(
    _ gradient: [Float], _ slopes: [Slope], name: String, shape: [Int], start: [Float]? = nil,
    roundings: Double = roundings
  ) -> String? {
    let count = shape.reduce(1, *)
    guard gradient.count == count, slopes.allSatisfy({ $0.element < count }) else {
      return "\(name) has \(gradient.count) elements, expected \(count)"
    }
    let largest = slopes.reduce(0) { max($0, $1.magnitude) }
    for slope in slopes {
      let actual = gradient[slope.element]
      let first = Double(start?[slope.element] ?? 0)
      let terms = max(slope.magnitude, largest / 8) + abs(first)
      let expected = first + slope.value
      // Not >: NaN is a mismatch too.
      if abs(Double(actual) - expected) <= roundings * 0x1p-24 * terms { continue }
      return """
        \(name)\(place(of: slope.element, in: shape)) is \(actual), expected \(expected) of \
        terms that come to \(terms)
        """
    }
    return nil
  }

  /// The indices of an element.
  private static func place(of index: Int, in shape: [Int]) -> [Int] {
    var (rest, place) = (index, [Int]())
    for size in shape.reversed() {
      place.insert(rest % size, at: 0)
      rest /= size
    }
    return place
  }
}
