// SPDX-License-Identifier: Apache-2.0
// Metadata: ordered key/value pairs of a call. Part of zeebe.hpp.
#ifndef ZEEBE_METADATA_HPP
#define ZEEBE_METADATA_HPP

#include <initializer_list>
#include <iterator>
#include <optional>
#include <utility>
#include <zeebe/error.hpp>

namespace zeebe {

/// Ordered pairs of a key and a value. A copy shares them until one of the two is added to.
///
/// Any threads may read one object; adding needs that nobody else uses it.
class Metadata : public detail::Handle<zeebe_metadata, zeebe_metadata_ref, zeebe_metadata_free> {
public:
    /// Borrowed from the metadata.
    struct Entry {
        std::string_view key;
        /// Raw bytes for a key that ends in `-bin`, else printable ASCII: see bytes_view::text().
        bytes_view value;
    };
    class iterator;

    using Handle::Handle;

    /// Of pairs such as `{{"tenant", "blue"}, {"trace-bin", bytes}}`. Errors as add().
    static Result<Metadata> of(std::initializer_list<std::pair<std::string_view, bytes_view>> pairs)
    {
        Metadata metadata;
        for (const auto &[key, value] : pairs)
            if (auto added = metadata.add(key, value); !added) return std::move(added).error();
        return metadata;
    }

    /// Adds a pair at the end; the same key may be added again. Ends what was borrowed from it.
    ///
    /// Keys have lower-case letters, digits, `_`, `-` and `.` only. The value of a key that ends in `-bin` is raw bytes, any other is
    /// printable ASCII. invalid_argument: not so, or a key that gRPC or HTTP/2 reserves.
    Result<void> add(const text_view &key, bytes_view value)
    {
        if (get() == nullptr)
            if (zeebe_error *error = zeebe_metadata_new(out())) return Error(error);
        if (key.has_nul()) return Error::invalid_argument("the metadata key has a NUL in it");
        return detail::result(zeebe_metadata_add(get(), key.c_str(), value.data(), value.size()));
    }

    std::size_t size() const noexcept { return zeebe_metadata_count(get()); }
    bool empty() const noexcept { return size() == 0; }
    /// The pair at an index below size().
    Entry operator[](std::size_t index) const noexcept
    {
        std::size_t length = 0;
        const std::uint8_t *value = zeebe_metadata_value(get(), index, &length);
        return {zeebe_metadata_key(get(), index), {value, length}};
    }
    /// The first value of a key.
    std::optional<bytes_view> find(std::string_view key) const noexcept
    {
        for (std::size_t index = 0; index < size(); index++)
            if (const Entry entry = (*this)[index]; entry.key == key) return entry.value;
        return std::nullopt;
    }

    iterator begin() const noexcept;
    iterator end() const noexcept;
};

/// Goes over the entries, which it makes as it goes.
class Metadata::iterator {
public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Entry;
    using difference_type = std::ptrdiff_t;
    using pointer = const Entry *;
    using reference = Entry;

    iterator() noexcept = default;
    iterator(const Metadata *metadata, std::size_t index) noexcept : metadata_(metadata), index_(index) {}

    Entry operator*() const noexcept { return (*metadata_)[index_]; }
    iterator &operator++() noexcept
    {
        ++index_;
        return *this;
    }
    iterator operator++(int) noexcept { return {metadata_, index_++}; }
    friend bool operator==(const iterator &a, const iterator &b) noexcept { return a.index_ == b.index_; }
    friend bool operator!=(const iterator &a, const iterator &b) noexcept { return a.index_ != b.index_; }

private:
    const Metadata *metadata_ = nullptr;
    std::size_t index_ = 0;
};

inline Metadata::iterator Metadata::begin() const noexcept { return {this, 0}; }
inline Metadata::iterator Metadata::end() const noexcept { return {this, size()}; }

inline Metadata Error::initial_metadata() const noexcept { return Metadata(zeebe_metadata_ref(zeebe_error_initial_metadata(error_.get()))); }
inline Metadata Error::trailers() const noexcept { return Metadata(zeebe_metadata_ref(zeebe_error_trailers(error_.get()))); }

} // namespace zeebe

#endif
