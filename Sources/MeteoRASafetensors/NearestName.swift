/// The candidate that was probably meant, if one is near enough: a third of its bytes wrong at
/// most, and one in a short name; the dashes of an option do not count. Of equally near ones the
/// first.
package func nearestName(to text: String, among candidates: [String]) -> String? {
  var best: (name: String, distance: Int)?
  for candidate in candidates {
    // Long texts have no near name, and the distance takes the product of the lengths.
    if abs(candidate.utf8.count - text.utf8.count) > candidate.utf8.count { continue }
    let distance = editDistance(Array(text.utf8), Array(candidate.utf8))
    let letters = candidate.utf8.count - (candidate.utf8.starts(with: "--".utf8) ? 2 : 0)
    if distance <= max(1, letters / 3), distance < best?.distance ?? .max {
      best = (candidate, distance)
    }
  }
  return best?.name
}

/// The number of bytes to insert, delete, replace or swap with their neighbour that lead from one
/// text to the other.
package func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for i in left.indices {
    var row = [i + 1]
    for j in right.indices {
      var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (left[i] == right[j] ? 0 : 1))
      if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
        best = min(best, beforeLast[j - 1] + 1)
      }
      row.append(best)
    }
    (beforeLast, last) = (last, row)
  }
  return last[right.count]
}
